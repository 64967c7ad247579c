import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBase, type Origin } from './open-repository.js';
import { git, tryGit } from './run-git.js';

/** A bare repository that is gone afterwards. */
export async function withScratch<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-scratch-'));
  try {
    await git(['init', '--quiet', '--bare'], { cwd: folder });
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * One that has the commit that a run started from, taken from the repository around the current folder, or fetched from the source.
 * @throws AppError `not_found` when the commit cannot be had.
 */
export function withBase<T>(origin: Origin, use: (folder: string) => Promise<T>): Promise<T> {
  return withScratch(async (folder) => {
    if (origin.baseCommit !== null) {
      const here = await tryGit(['rev-parse', '--absolute-git-dir'], { cwd: process.cwd() });
      // What is here need not be fetched; when it does not have the commit, the source may.
      if (here.code === 0)
        await tryGit(['fetch', '--quiet', '--no-tags', here.out.trim(), origin.baseCommit], { cwd: folder });
      await ensureBase(folder, origin);
    }
    return use(folder);
  });
}
