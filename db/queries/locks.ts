import { eq } from 'drizzle-orm';
import type { BoxRow, JobRow, RunRow, Tx } from '../rows.js';
import { boxes, jobs, runs } from '../schema.js';

// The one order in which a transaction locks or updates rows of several tables: run, box, job, attempt, from the largest to the
// smallest; several boxes in the order of their ids. Two that keep to it cannot wait for each other; skipping rows others hold is free.

/** Locks the run for this transaction; `skip` gives up at once when someone else has it. */
export async function lockRun(tx: Tx, id: string, options: { skip: boolean }): Promise<RunRow | undefined> {
  const query = tx.select().from(runs).where(eq(runs.id, id));
  const [row] = await (options.skip ? query.for('update', { skipLocked: true }) : query.for('update'));
  return row;
}

/** A box as it is now, a removed one included, held until the transaction ends. */
export async function lockBox(tx: Tx, id: string): Promise<BoxRow | undefined> {
  const [row] = await tx.select().from(boxes).where(eq(boxes.id, id)).for('update');
  return row;
}

/** A job as it is now, held until the transaction ends: a request to cancel it comes before or after, never in between. */
export async function lockJob(tx: Tx, id: string): Promise<JobRow | undefined> {
  const [row] = await tx.select().from(jobs).where(eq(jobs.id, id)).for('update');
  return row;
}
