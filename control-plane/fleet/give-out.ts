import { randomBytes } from 'node:crypto';
import type { JobSpec } from '@nightshift/protocol';
import { insertAttempt, lockBox, lockQueuedJob, moveJob, recordEvent, type Db } from '@nightshift/db';
import { effectiveLabels, jobSpecOf } from './job-spec.js';
import { overlayOf } from './overlay.js';

/**
 * Gives the job that has waited longest to a box, if the box may have one: a new attempt with a new fencing token.
 * The token in the database is what holds; the frame that follows is only the news of it.
 * @param slots how many jobs the box runs at a time.
 * @returns what to send to the box, or null when there is nothing for it.
 */
export async function giveOut(db: Db, boxId: string, slots: number): Promise<JobSpec | null> {
  return db.transaction(async (tx) => {
    const locked = await lockBox(tx, boxId);
    if (!locked) return null;
    const { box, liveAttempts } = locked;
    if (box.state !== 'online' || box.isCordoned || box.isDraining || box.dirtyPids.length > 0 || liveAttempts >= slots)
      return null;
    const found = await lockQueuedJob(tx, { id: box.id, labels: effectiveLabels(box) });
    if (!found) return null;
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
    return jobSpecOf(run, { ...job, attempt: number }, attempt, await overlayOf(tx, job));
  });
}
