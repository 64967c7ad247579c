import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';

export interface TakenSpace {
  bytes: number;
  files: number;
}

/** Looked at in one walk; what is beyond is not counted. More would keep the box from its next job. */
const MOST_FILES = 1_000_000;

/**
 * What files below these folders take of one disk: those whose inode changed since a moment. Nobody can set that time.
 * Each file counts once; links are not followed; what cannot be looked at is left out.
 */
export function changedSpace(folders: readonly string[], disk: number, { sinceMs }: { sinceMs: number }): TakenSpace {
  const taken = { bytes: 0, files: 0 };
  const seen = new Set<number>();
  const queue: string[] = [];
  for (const folder of folders) {
    const stat = look(folder);
    // One that lies in another is walked once.
    if (!stat?.isDirectory() || seen.has(stat.ino)) continue;
    seen.add(stat.ino);
    queue.push(folder);
  }
  for (let at = 0, looked = 0; at < queue.length && looked < MOST_FILES; at++) {
    for (const name of namesOf(queue[at] as string)) {
      looked++;
      const path = join(queue[at] as string, name);
      const stat = look(path);
      if (stat?.dev !== disk || seen.has(stat.ino)) continue;
      if (stat.isDirectory()) queue.push(path);
      if (stat.nlink > 1 || stat.isDirectory()) seen.add(stat.ino);
      if (stat.ctimeMs < sinceMs) continue;
      taken.bytes += stat.blocks * 512;
      taken.files++;
    }
  }
  return taken;
}

function namesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
