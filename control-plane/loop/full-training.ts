import { medianTrainingMs, type RunRow, type Tx } from '@nightshift/db';

/** Seconds that a full training takes in this run: its budget, or the median of what was trained where that is less. */
export async function fullTrainingSeconds(tx: Tx, run: RunRow): Promise<number> {
  return Math.min(run.spec.job.budgetMs, (await medianTrainingMs(tx, run.id)) ?? Infinity) / 1000;
}
