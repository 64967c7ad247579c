import { resolve } from 'node:path';
import type { FetchedBranch } from '../fetch-branch.js';
import { importBranch, type ImportedBranch } from './import-branch.js';
import { git } from './run-git.js';
import { withBase } from './scratch.js';

/**
 * Writes the branch of a run as a git bundle, made in a temporary repository. Where the run stands on a commit of a repository, the bundle
 * needs that commit where it is unpacked.
 */
export function makeBundle(file: string, fetched: FetchedBranch): Promise<ImportedBranch> {
  return withBase(fetched, async (folder) => {
    const { branch, baseCommit } = fetched;
    const imported = await importBranch(folder, fetched);
    const range = baseCommit === null ? [branch] : [branch, `^${baseCommit}`];
    await git(['bundle', 'create', '--quiet', resolve(file), ...range], { cwd: folder });
    return imported;
  });
}
