import type { IterationRow, Queryable, RunRow } from '@nightshift/db';
import { loadLedger } from './ledger-of-run.js';

/**
 * The id of the commit that a keep makes, for the row that is about to be kept. Null for knobs, and where the patch stands on a commit
 * of the source, whose tree only a repository knows.
 */
export async function commitIdOf(q: Queryable, run: RunRow, iteration: IterationRow): Promise<string | null> {
  if (!iteration.patch || run.baselineCodeKey === null) return null;
  const { commits } = await loadLedger(q, run, iteration);
  return commits.findLast(({ runId, iteration: n }) => runId === run.id && n === iteration.number)?.id ?? null;
}
