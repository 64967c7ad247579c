import { fenceAttempt, findAttempt, lockJob, moveJob, recordEvent, withdrawOffer, type Db } from '@nightshift/db';
import { DECLINED_MS } from './deps.js';

/**
 * A box has no room for what it was offered. Nothing has failed: the offer leaves no attempt and counts towards no limit, and the
 * job is offered to whoever has room.
 * @returns the run whose job waits again, or has ended; null when the frame changed nothing.
 */
export async function declineOffer(
  db: Db,
  boxId: string,
  told: { attemptId: string; token: string; detail: string },
): Promise<string | null> {
  return db.transaction(async (tx) => {
    const attempt = await findAttempt(tx, told.attemptId);
    if (!attempt || attempt.boxId !== boxId || attempt.token !== told.token) return null;
    const job = await lockJob(tx, attempt.jobId);
    if (!job) return null;
    const payload = { jobId: job.id, attemptId: attempt.id, detail: told.detail };
    if (job.cancelRequestedAt !== null) {
      if (!(await fenceAttempt(tx, attempt.id))) return null;
      const ended = { reason: 'cancelled' as const, detail: 'cancelled before it began', endedAt: new Date() };
      await moveJob(tx, job.id, ['assigned'], 'cancelled', ended, attempt.number);
      await recordEvent(tx, { type: 'job.cancelled', runId: job.runId, boxId, payload: { ...payload, ...ended } });
      return job.runId;
    }
    if (!(await withdrawOffer(tx, attempt.id))) return null;
    const waiting = { attempt: attempt.number - 1, notBefore: new Date(Date.now() + DECLINED_MS) };
    await moveJob(tx, job.id, ['assigned'], 'queued', waiting, attempt.number);
    await recordEvent(tx, { type: 'job.declined', runId: job.runId, boxId, payload });
    return job.runId;
  });
}
