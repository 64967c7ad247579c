import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@nightshift/protocol';
import type { Api, Run } from '../client.js';
import { fetchBranch } from '../fetch-branch.js';
import { importBranch, type ImportedBranch } from '../git/import-branch.js';
import { openRepository } from '../git/open-repository.js';
import { git } from '../git/run-git.js';

export interface DemoBranch extends ImportedBranch {
  /** `git log --oneline` of it. */
  log: string;
  /** Whether a second repository, built from a second export, has the same ids. */
  isSameElsewhere: boolean;
}

/** Exports the branch of a run into two temporary repositories. Null where there is no git. */
export async function demoBranch(api: Api, run: Run): Promise<DemoBranch | null> {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-demo-branch-'));
  try {
    const [one, two] = [await exported(api, run, join(folder, 'one')), await exported(api, run, join(folder, 'two'))];
    // The commits of the run, and the one of the source that they stand on.
    const shown = String(one.commits.length + 1);
    const log = await git(['log', '--oneline', '--no-decorate', '-n', shown, one.branch], { cwd: join(folder, 'one') });
    const ids = (branch: ImportedBranch) => branch.commits.map(({ id }) => id).join();
    return { ...one, log, isSameElsewhere: one.tip === two.tip && ids(one) === ids(two) };
  } catch (error) {
    if (error instanceof AppError && error.code === 'unavailable') return null;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function exported(api: Api, run: Run, folder: string): Promise<ImportedBranch> {
  const fetched = await fetchBranch(api, run, { squash: false });
  return importBranch(await openRepository(folder, fetched), fetched);
}
