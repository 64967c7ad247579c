import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { importBranch, type ImportedBranch } from './import-branch.js';
import { ensureBase } from './open-repository.js';
import { git, tryGit } from './run-git.js';

/**
 * Writes the branch of a run as a git bundle, made in a temporary repository. Where the run stands on a commit of a repository, the bundle
 * needs that commit where it is unpacked; it is taken from the repository around the current folder, or fetched.
 */
export async function makeBundle(
  file: string,
  {
    stream,
    branch,
    baseCommit,
    source,
  }: { stream: string; branch: string; baseCommit: string | null; source: string | null },
): Promise<ImportedBranch> {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-bundle-'));
  try {
    await git(['init', '--quiet', '--bare'], { cwd: folder });
    if (baseCommit !== null) {
      const here = await tryGit(['rev-parse', '--absolute-git-dir'], { cwd: process.cwd() });
      // What is here need not be fetched; when it does not have the commit, the source may.
      if (here.code === 0)
        await tryGit(['fetch', '--quiet', '--no-tags', here.out.trim(), baseCommit], { cwd: folder });
      await ensureBase(folder, { baseCommit, source });
    }
    const imported = await importBranch(folder, { stream, branch, baseCommit });
    const range = baseCommit === null ? [branch] : [branch, `^${baseCommit}`];
    await git(['bundle', 'create', '--quiet', resolve(file), ...range], { cwd: folder });
    return imported;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
