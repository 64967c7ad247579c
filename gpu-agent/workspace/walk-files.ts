import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Every file and link below a folder, by relative path. Links are named and never followed. */
export function walkFiles(folder: string, limit = 1_000_000): string[] {
  const found: string[] = [];
  const queue = [''];
  for (let at = 0; at < queue.length && found.length < limit; at++) {
    const prefix = queue[at] as string;
    for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
      const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) queue.push(path);
      else found.push(path);
    }
  }
  return found.sort();
}

/** What a file is, without reading it: a change of content cannot keep inode, size and both times. */
export function stampFile(path: string): string {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? `${stat.dev}:${stat.ino}:${stat.mode}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}` : 'missing';
}

/** The stamps of all files below a folder. `skips` leaves out names of folders. */
export function stampFolder(folder: string, skips: (path: string) => boolean = () => false): Map<string, string> {
  const stamps = new Map<string, string>();
  for (const path of walkFiles(folder)) if (!skips(path)) stamps.set(path, stampFile(join(folder, path)));
  return stamps;
}

/** The first path that is not as it was: changed, gone or new; null when all is as it was. */
export function firstChange(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string | null {
  for (const [path, stamp] of before) if (now.get(path) !== stamp) return path;
  for (const path of now.keys()) if (!before.has(path)) return path;
  return null;
}
