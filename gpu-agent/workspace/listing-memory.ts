import { lstatSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runGit } from './run-git.js';

interface Listing {
  paths: string[];
  /** Everything whose change could change the listing, with its stamp: folders, ignore files, git's index. */
  stamps: Map<string, string>;
}

const listings = new Map<string, Listing>();
/** Above this many folders asking git is no slower. */
const FOLDER_LIMIT = 5000;
/** A folder changed this shortly before it was listed may change again without a new time stamp. */
const RACY_MS = 100;

/** What git listed the last time, if nothing has changed that could change it; null otherwise. Saves a process a job. */
export function recallListing(folder: string): string[] | null {
  const listing = listings.get(folder);
  if (!listing) return null;
  for (const [path, stamp] of listing.stamps) {
    if (stampOf(path) === stamp) continue;
    listings.delete(folder);
    return null;
  }
  return listing.paths;
}

export async function rememberListing(folder: string, paths: string[], listedAtMs: number): Promise<void> {
  const git = await runGit(
    ['rev-parse', '--path-format=absolute', '--git-path', 'index', '--git-path', 'info/exclude', '--show-toplevel'],
    { cwd: folder },
  );
  const [index, exclude, top] = git.stdout.trim().split('\n');
  if (git.code !== 0 || !index || !exclude || !top) return;
  const folders = new Set(['.']);
  for (const path of paths)
    for (let up = dirname(path); up !== '.' && !folders.has(up); up = dirname(up)) folders.add(up);
  const watched = new Set([index, exclude]);
  for (let up = folder; up.startsWith(top) && up !== dirname(up); up = dirname(up)) watched.add(join(up, '.gitignore'));
  for (const path of paths) if (path.endsWith('.gitignore')) watched.add(join(folder, path));
  for (const name of folders) {
    const path = join(folder, name);
    watched.add(path);
    // Folders without a listed file, ignored or empty: a file that appears there may count.
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory() && entry.name !== '.git') watched.add(join(path, entry.name));
    if (watched.size > FOLDER_LIMIT) return;
  }
  const stamps = new Map<string, string>();
  for (const path of watched) {
    const stamp = stampOf(path);
    if (Number(stamp.split(' ')[0]) / 1e6 > listedAtMs - RACY_MS) return;
    stamps.set(path, stamp);
  }
  if (listings.size > 50) listings.clear();
  listings.set(folder, { paths, stamps });
}

function stampOf(path: string): string {
  try {
    const { mtimeNs, ctimeNs, ino, size } = lstatSync(path, { bigint: true });
    return `${mtimeNs} ${ctimeNs} ${ino} ${size}`;
  } catch {
    return '0';
  }
}
