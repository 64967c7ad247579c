import {
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../process/lock.js';
import { copySource } from './copy-source.js';
import type { SourceFile } from './list-files.js';
import { walkFiles } from './walk-files.js';

/** Source folders that are kept as runs began with them; the least recently used go first. More means disk. */
const KEPT = 8;
/** Changed files that are named. */
const NAMED = 3;

/** Keeps a copy of a source folder under its hash; the same content is kept once. Returns the hash. */
export async function keepSource(input: {
  folder: string;
  files: SourceFile[];
  home: string;
  signal: AbortSignal;
}): Promise<string> {
  const { folder, files } = input;
  const cache = cacheOf(input.home);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  return withLock(join(cache, '.lock'), input.signal, () => {
    const part = join(cache, '.part');
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { mode: 0o700 });
    const hash = copySource(folder, part, files);
    // Their times stay theirs: a later look at the folder reads only what has other ones.
    for (const { path, stat } of files)
      lutimesSync(join(part, path), Number(stat.atimeNs) / 1e9, Number(stat.mtimeNs) / 1e9);
    const kept = join(cache, hash);
    // One that is there may be read just now; what it holds is checked by whoever reads it.
    if (existsSync(kept)) rmSync(part, { recursive: true, force: true });
    else renameSync(part, kept);
    forgetOld(cache, hash);
    return Promise.resolve(hash);
  });
}

/** The kept copy of a source; null when it is gone. */
export function findKept(home: string, hash: string): { folder: string; files: SourceFile[] } | null {
  const folder = join(cacheOf(home), hash);
  if (!existsSync(folder)) return null;
  const now = new Date();
  utimesSync(folder, now, now);
  const files = walkFiles(folder).map((path) => ({ path, stat: lstatSync(join(folder, path), { bigint: true }) }));
  return { folder, files };
}

/** A kept copy that is not what its name says: whoever changed it, nobody trains on it. */
export function dropKept(home: string, hash: string): void {
  rmSync(join(cacheOf(home), hash), { recursive: true, force: true });
}

/** Names files of the kept source that its folder has no longer, or has otherwise; null when all are as they were. */
export function changedSince(kept: { folder: string; files: SourceFile[] }, folder: string): string | null {
  const changed = kept.files.filter(({ path, stat }) => {
    const now = lstatSync(join(folder, path), { bigint: true, throwIfNoEntry: false });
    if (!now || now.isFile() !== stat.isFile()) return true;
    if (!stat.isFile()) return false;
    if ((now.mode & 0o777n) !== (stat.mode & 0o777n)) return true; // part of the source's hash
    if (now.size !== stat.size) return true;
    // Copies keep the times to the microsecond.
    const difference = now.mtimeNs - stat.mtimeNs;
    if (difference > -2000n && difference < 2000n) return false;
    return !readFileSync(join(folder, path)).equals(readFileSync(join(kept.folder, path)));
  });
  if (changed.length === 0) return null;
  const names = changed.slice(0, NAMED).map(({ path }) => path);
  return changed.length > NAMED ? `${names.join(', ')} and ${changed.length - NAMED} more` : names.join(', ');
}

function forgetOld(cache: string, current: string): void {
  const kept = readdirSync(cache)
    .filter((name) => /^[0-9a-f]{64}$/.test(name) && name !== current)
    .map((name) => ({ name, usedAt: statSync(join(cache, name)).mtimeMs }))
    .sort((a, b) => b.usedAt - a.usedAt);
  for (const { name } of kept.slice(KEPT - 1)) rmSync(join(cache, name), { recursive: true, force: true });
}

function cacheOf(home: string): string {
  return join(home, 'cache', 'sources');
}
