import { createHash } from 'node:crypto';
import {
  chmodSync,
  constants,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { SourceFile } from './list-files.js';
import { SourceError } from './source-error.js';

/** Content hashes by file identity: a file whose inode, size and times are unchanged is not read again. */
const known = new Map<string, string>();
const KNOWN_LIMIT = 100_000;
/** Below this a file is read and written in one go; above it the kernel copies, by reference where it can. */
const INLINE_BYTES = 1_048_576n;

/**
 * Copies source files into a folder and returns the hash of what was copied: SHA-256 over path, mode and content hash
 * of every file in order. Symbolic links are copied as links.
 */
export function copySource(from: string, to: string, files: SourceFile[]): string {
  const total = createHash('sha256');
  const made = new Set<string>();
  for (const { path, stat } of files) {
    const source = join(from, path);
    const target = join(to, path);
    const folder = dirname(target);
    if (!made.has(folder)) {
      mkdirSync(folder, { recursive: true });
      made.add(folder);
    }
    const mode = Number(stat.mode & 0o777n);
    try {
      let hash: string;
      if (stat.isSymbolicLink()) {
        const link = readlinkSync(source);
        symlinkSync(link, target);
        hash = `link:${link}`;
      } else if (stat.size <= INLINE_BYTES) {
        const content = readFileSync(source);
        hash = createHash('sha256').update(content).digest('hex');
        writeFileSync(target, content, { mode });
        chmodSync(target, mode); // whatever the umask took away: the mode is part of the hash
      } else {
        const identity = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
        copyFileSync(source, target, constants.COPYFILE_FICLONE);
        chmodSync(target, mode);
        hash = known.get(identity) ?? createHash('sha256').update(readFileSync(target)).digest('hex');
        if (known.size < KNOWN_LIMIT) known.set(identity, hash);
      }
      total.update(`${path}\0${mode.toString(8)}\0${hash}\n`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC') throw new SourceError('disk_full', `no space left on the disk while copying ${source}`);
      throw new SourceError('source_unavailable', `cannot copy ${source}: ${code ?? String(error)}`);
    }
  }
  return total.digest('hex');
}
