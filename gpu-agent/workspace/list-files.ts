import { lstatSync, readdirSync, type BigIntStats, type Stats } from 'node:fs';
import { join } from 'node:path';
import { recallListing, rememberListing } from './listing-memory.js';
import { runGit } from './run-git.js';
import { SourceError } from './source-error.js';

export interface SourceFile {
  /** Relative to the source folder, with forward slashes. */
  path: string;
  stat: BigIntStats;
}
export interface SourceLimits {
  maxFiles: number;
  maxBytes: number;
}

/** Folders that are built, not written: never part of a source outside git. */
const SKIPPED = new Set([
  'node_modules',
  '.git',
  '.hg',
  '.svn',
  '.venv',
  'venv',
  '__pycache__',
  '.mypy_cache',
  '.pytest_cache',
  '.ruff_cache',
  '.tox',
  '.ipynb_checkpoints',
  '.nightshift',
  '.DS_Store',
]);

/**
 * The files that make up a source folder, sorted by path: what git tracks or would track, or, outside git, everything
 * but built folders.
 * @throws SourceError `source_unavailable` when it is no readable folder or larger than the limits.
 */
export async function listFiles(folder: string, limits: SourceLimits, signal?: AbortSignal): Promise<SourceFile[]> {
  let stat: Stats | undefined;
  try {
    stat = lstatSync(folder, { throwIfNoEntry: false });
  } catch {
    stat = undefined;
  }
  if (!stat) throw new SourceError('source_unavailable', `there is no folder ${folder} on this box`);
  if (!stat.isDirectory() && !stat.isSymbolicLink())
    throw new SourceError('source_unavailable', `${folder} is not a folder`);
  const files: SourceFile[] = [];
  let bytes = 0n;
  const add = (path: string) => {
    const found = lstatSync(join(folder, path), { bigint: true, throwIfNoEntry: false });
    if (!found || !(found.isFile() || found.isSymbolicLink())) return; // deleted but tracked; sockets; submodules
    files.push({ path, stat: found });
    bytes += found.size;
    if (files.length > limits.maxFiles) throw tooLarge(folder, `more than ${limits.maxFiles} files`);
    if (bytes > BigInt(limits.maxBytes))
      throw tooLarge(folder, `more than ${Math.round(limits.maxBytes / 1_048_576)} MiB`);
  };
  const remembered = recallListing(folder);
  if (remembered) {
    for (const path of remembered) add(path);
    return files;
  }
  const listedAtMs = Date.now();
  const git = await runGit(['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: folder,
    ...(signal && { signal }),
  });
  signal?.throwIfAborted();
  if (git.code !== 0) walk(folder, '', add);
  else for (const path of new Set(git.stdout.split('\0'))) if (path !== '') add(path);
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  if (git.code === 0)
    await rememberListing(
      folder,
      files.map((file) => file.path),
      listedAtMs,
    );
  return files;
}

function walk(folder: string, prefix: string, add: (path: string) => void): void {
  let entries;
  try {
    entries = readdirSync(join(folder, prefix), { withFileTypes: true });
  } catch (error) {
    throw new SourceError(
      'source_unavailable',
      `cannot read ${join(folder, prefix)}: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
  for (const entry of entries) {
    if (SKIPPED.has(entry.name)) continue;
    const path = prefix ? `${prefix}/${entry.name}` : entry.name;
    if (entry.isDirectory()) walk(folder, path, add);
    else add(path);
  }
}

function tooLarge(folder: string, what: string): SourceError {
  return new SourceError(
    'source_unavailable',
    `${folder} holds ${what}: a job's source is what git tracks; ignore data and build folders (.gitignore), and read data from NIGHTSHIFT_SOURCE`,
  );
}
