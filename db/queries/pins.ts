import { and, asc, eq, isNotNull } from 'drizzle-orm';
import type { BoxRow, JobRow, Queryable, RunRow } from '../rows.js';
import { boxes, jobs, runs } from '../schema.js';
import { isPinRefused } from './refusals.js';

export interface PinnedJob {
  job: JobRow;
  run: RunRow;
  box: BoxRow;
  /** The box's owner does not allow it. */
  isRefused: boolean;
}

/** Queued jobs that wait for one box, with that box (removed ones included), oldest first. */
export function listPinnedJobs(q: Queryable): Promise<PinnedJob[]> {
  return q
    .select({ job: jobs, run: runs, box: boxes, isRefused: isPinRefused })
    .from(jobs)
    .innerJoin(runs, eq(runs.id, jobs.runId))
    .innerJoin(boxes, eq(boxes.id, jobs.pinnedBoxId))
    .where(and(eq(jobs.state, 'queued'), isNotNull(jobs.pinnedBoxId)))
    .orderBy(asc(jobs.id));
}

/** Lets any box run a queued job that waited for this one; false when it is not queued or waits for another (stale). */
export async function unpinJob(q: Queryable, id: string, boxId: string): Promise<boolean> {
  const rows = await q
    .update(jobs)
    .set({ pinnedBoxId: null })
    .where(and(eq(jobs.id, id), eq(jobs.state, 'queued'), eq(jobs.pinnedBoxId, boxId)))
    .returning({ id: jobs.id });
  return rows.length === 1;
}
