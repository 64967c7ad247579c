import {
  fenceAttempt,
  findAttempt,
  findJob,
  insertRefusal,
  lockBox,
  lockJob,
  lockRun,
  moveJob,
  recordEvent,
  withdrawOffer,
  type Db,
} from '@nightshift/db';
import { DECLINED_MS } from './deps.js';

/**
 * A box has no room for what it was offered, or its owner does not allow it. Nothing has failed: the offer leaves no attempt and counts
 * towards no limit, and the job is offered to whoever has room. What an owner does not allow is not offered to that box again.
 * @returns the run whose job waits again, or has ended; null when the frame changed nothing.
 */
export async function declineOffer(
  db: Db,
  boxId: string,
  told: { attemptId: string; token: string; reason: 'busy' | 'agent_refused'; detail: string },
): Promise<string | null> {
  const isRefusal = told.reason === 'agent_refused';
  return db.transaction(async (tx) => {
    const attempt = await findAttempt(tx, told.attemptId);
    if (!attempt || attempt.boxId !== boxId || attempt.token !== told.token) return null;
    // A refusal names its run and its box, whose rows it holds: in the order of db/queries/locks.ts.
    const runId = isRefusal ? (await findJob(tx, attempt.jobId))?.runId : undefined;
    if (runId !== undefined) await lockRun(tx, runId, { skip: false });
    if (isRefusal) await lockBox(tx, boxId);
    const job = await lockJob(tx, attempt.jobId);
    if (!job) return null;
    const payload = { jobId: job.id, attemptId: attempt.id, reason: told.reason, detail: told.detail };
    if (job.cancelRequestedAt !== null) {
      if (!(await fenceAttempt(tx, attempt.id))) return null;
      const ended = { reason: 'cancelled' as const, detail: 'cancelled before it began', endedAt: new Date() };
      await moveJob(tx, job.id, ['assigned'], 'cancelled', ended, attempt.number);
      await recordEvent(tx, { type: 'job.cancelled', runId: job.runId, boxId, payload: { ...payload, ...ended } });
      return job.runId;
    }
    if (!(await withdrawOffer(tx, attempt.id))) return null;
    if (isRefusal) await insertRefusal(tx, job, boxId, told.detail);
    const waiting = {
      attempt: attempt.number - 1,
      notBefore: isRefusal ? null : new Date(Date.now() + DECLINED_MS),
      ...(isRefusal && job.pinnedBoxId === boxId ? { pinnedBoxId: null } : {}),
    };
    await moveJob(tx, job.id, ['assigned'], 'queued', waiting, attempt.number);
    await recordEvent(tx, { type: 'job.declined', runId: job.runId, boxId, payload });
    return job.runId;
  });
}
