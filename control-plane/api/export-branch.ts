import { z } from '@hono/zod-openapi';
import type { Queryable, RunRow } from '@nightshift/db';
import { branchOf, importStream, mailSeries, squash } from '../ledger/index.js';
import { loadLedger } from '../loop/ledger-of-run.js';

/** The forms in which kept patches leave the house. */
export const BRANCH_FORMATS = ['branch', 'patch'] as const;
export type BranchFormat = (typeof BRANCH_FORMATS)[number];

export const squashQuery = z
  .enum(['true', 'false'])
  .optional()
  .openapi({ description: 'format=branch: all that was kept as one commit' });

export interface BranchExport {
  body: string;
  headers: Record<string, string>;
}

/**
 * The kept patches of a run as text for git. The headers say what a client needs to use it: the branch, and the commit of the source
 * that it stands on (none: the series begins with a commit of its own).
 * @throws AppError illegal_state: menu mode, or the source is not known yet.
 */
export async function exportBranch(
  q: Queryable,
  run: RunRow,
  format: BranchFormat,
  isSquashed: boolean,
): Promise<BranchExport> {
  const ledger = await loadLedger(q, run);
  const base: Record<string, string> = ledger.baseCommit === null ? {} : { 'x-nightshift-base': ledger.baseCommit };
  if (format === 'patch')
    return {
      body: mailSeries(ledger),
      headers: {
        ...base,
        'content-type': 'application/mbox; charset=utf-8',
        'content-disposition': `attachment; filename="${run.id}.mbox"`,
      },
    };
  const one = isSquashed ? squash(ledger) : null;
  return {
    body: one?.stream ?? importStream(ledger),
    headers: {
      ...base,
      'x-nightshift-branch': one?.ref.replace('refs/heads/', '') ?? branchOf(run.id),
      'content-type': 'application/x-git-fast-import; charset=utf-8',
      'content-disposition': `attachment; filename="${run.id}.fast-import"`,
    },
  };
}

/** The commit of each kept iteration (0: where the run started), as far as the database knows it; for `results.tsv`. */
export async function commitsOf(q: Queryable, run: RunRow): Promise<Map<number, string>> {
  if (!run.spec.edit || run.baselineCodeKey === null) return new Map();
  const ledger = await loadLedger(q, run);
  const ids = new Map<number, string>();
  const start = ledger.baseCommit ?? ledger.commits.find(({ iteration }) => iteration === null)?.id;
  if (start) ids.set(0, start);
  for (const { runId, iteration, id } of ledger.commits)
    if (runId === run.id && iteration !== null && id !== null) ids.set(iteration, id);
  return ids;
}
