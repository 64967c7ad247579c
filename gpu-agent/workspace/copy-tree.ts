import { constants, copyFileSync, lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { walkFiles } from './walk-files.js';

/** Copies plain files and links (as links) into another folder, by reference where the file system can. Other things are left out. */
export function copyTree(from: string, to: string, keeps: (path: string) => boolean = () => true): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const path of walkFiles(from)) {
    if (!keeps(path)) continue;
    const source = join(from, path);
    const target = join(to, path);
    const stat = lstatSync(source);
    if (!stat.isFile() && !stat.isSymbolicLink()) continue;
    mkdirSync(dirname(target), { recursive: true });
    if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else copyFileSync(source, target, constants.COPYFILE_FICLONE);
  }
}
