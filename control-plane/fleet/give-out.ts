import { randomBytes } from 'node:crypto';
import type { JobSpec } from '@nightshift/protocol';
import { insertAttempt, lockBox, lockQueuedJob, moveJob, recordEvent, type Db } from '@nightshift/db';
import { effectiveLabels, jobSpecOf } from './job-spec.js';
import { overlayOf } from './overlay.js';

/** What to send to the box; or why there is nothing: the box takes no jobs, all its slots are taken, or no job is there for it. */
export type Given = { spec: JobSpec } | { none: 'box' | 'full' | 'job' };

/**
 * Gives a job to a box, if the box may have one: a new attempt with a new fencing token. The token in the database is what
 * holds; the frame that follows is only the news of it.
 * @param slots how many jobs the box runs at a time.
 * @param jobId which job; the one that has waited longest when left out.
 */
export async function giveJob(db: Db, boxId: string, slots: number, jobId?: string): Promise<Given> {
  return db.transaction(async (tx) => {
    const locked = await lockBox(tx, boxId);
    if (!locked) return { none: 'box' };
    const { box, liveAttempts } = locked;
    if (box.state !== 'online' || box.isCordoned || box.isDraining || box.dirtyPids.length > 0) return { none: 'box' };
    if (box.facts?.health?.ok === false) return { none: 'box' };
    if (liveAttempts >= slots) return { none: 'full' };
    const found = await lockQueuedJob(tx, { id: box.id, labels: effectiveLabels(box) }, jobId);
    if (!found) return { none: 'job' };
    const { job, run } = found;
    const number = job.attempt + 1;
    const attempt = await insertAttempt(tx, { jobId: job.id, number, boxId, token: randomBytes(16).toString('hex') });
    await moveJob(tx, job.id, ['queued'], 'assigned', { attempt: number, assignedAt: new Date() }, job.attempt);
    await recordEvent(tx, {
      type: 'job.assigned',
      runId: run.id,
      boxId,
      payload: { jobId: job.id, attemptId: attempt.id, attempt: number, box: box.name },
    });
    return { spec: jobSpecOf(run, { ...job, attempt: number }, attempt, await overlayOf(tx, job)) };
  });
}

/** Gives a box the job that has waited longest; null when there is nothing for it. */
export async function giveOut(db: Db, boxId: string, slots: number): Promise<JobSpec | null> {
  const given = await giveJob(db, boxId, slots);
  return 'spec' in given ? given.spec : null;
}
