import { lstatSync } from 'node:fs';
import { join } from 'node:path';

/** A path of the spec that can only mean something inside the source: relative, no way up, nothing of git's. */
export function isSafePath(path: string): boolean {
  if (path === '' || path.length > 300 || path.includes('\0') || path.includes('\\') || path.startsWith('/'))
    return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && part.toLowerCase() !== '.git');
}

export type Found = 'missing' | 'file' | 'folder' | 'link' | 'other';

/** What lies at a path below a folder. A link anywhere on the way is a link: it is never followed. */
export function findBelow(folder: string, path: string): Found {
  const parts = path.split('/');
  for (let count = 1; count <= parts.length; count++) {
    const stat = lstatSync(join(folder, ...parts.slice(0, count)), { throwIfNoEntry: false });
    if (!stat) return 'missing';
    if (stat.isSymbolicLink()) return 'link';
    if (count === parts.length) return stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other';
    if (!stat.isDirectory()) return 'missing';
  }
  return 'missing';
}
