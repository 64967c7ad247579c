import type { JobPhase } from '@nightshift/protocol';
import { findAttempt, findTrainingStart, lockJob, markPhase, moveJob, recordEvent, type Db } from '@nightshift/db';

/**
 * Takes in that a phase of an attempt has begun. The start of training is told with the box's own clock, which the attempt's
 * metric points carry too: curves are compared at the same training time. Harmless when repeated; false when stale.
 */
export async function beginPhase(
  db: Db,
  boxId: string,
  begun: { attemptId: string; token: string; phase: JobPhase; at: string },
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const attempt = await findAttempt(tx, begun.attemptId);
    const job = attempt && (await lockJob(tx, attempt.jobId));
    if (!job || !(await markPhase(tx, begun.attemptId, begun.token, begun.phase))) return false;
    const event = { runId: job.runId, boxId };
    const payload = { jobId: job.id, attemptId: attempt.id, role: job.role };
    if (job.state === 'assigned') {
      await moveJob(tx, job.id, ['assigned'], 'running', { startedAt: new Date() }, attempt.number);
      await recordEvent(tx, { ...event, type: 'job.running', payload });
    }
    if (begun.phase === 'train' && !(await findTrainingStart(tx, job.runId, attempt.id)))
      await recordEvent(tx, { ...event, type: 'job.training', payload: { ...payload, at: begun.at } });
    return true;
  });
}
