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

export interface NamedCommits {
  /** By iteration; 0 is where the run started. What was not kept has no commit. */
  ids: Map<number, string>;
  /** Why kept iterations have none either, for people; null where they have. */
  warning: string | null;
}

/**
 * The commits of the rows of `results.tsv`, as far as the database knows them: an id is made of the whole tree of a repository, and the
 * database has the editable files of it.
 */
export async function commitsOf(q: Queryable, run: RunRow): Promise<NamedCommits> {
  const ids = new Map<number, string>();
  if (!run.spec.edit || run.baselineCodeKey === null) return { ids, warning: null };
  const ledger = await loadLedger(q, run);
  const start = ledger.baseCommit ?? ledger.commits.find(({ iteration }) => iteration === null)?.id;
  if (start) ids.set(0, start);
  const own = ledger.commits.filter(({ runId, iteration }) => runId === run.id && iteration !== null);
  for (const { iteration, id } of own) if (iteration !== null && id !== null) ids.set(iteration, id);
  const isUnnamed = own.some(({ id }) => id === null);
  return {
    ids,
    warning: isUnnamed
      ? `The commits of what was kept stand on ${ledger.baseCommit}, and only its repository knows their ids: these rows have the numbers of iterations. There: nightshift export ${run.id} --format tsv`
      : null,
  };
}
