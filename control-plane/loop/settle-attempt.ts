import {
  hasEndedBeside,
  isStoppedEarly,
  moveJob,
  recordEvent,
  updateBox,
  type AttemptRow,
  type BoxRow,
  type JobRow,
  type Tx,
} from '@nightshift/db';
import { fateOfBox, fateOfJob, type Outcome } from './after-attempt.js';

/** Ends of a job by one shortage of its box's disk, whoever caused it. */
const FULL_DISK = ['disk_full', 'disk_filled'] as const;

/**
 * Writes what follows from the end of an attempt, in the transaction that ends it: its job is queued again or over, its box is given no
 * more work or its failures are forgotten. `held`: the attempt's box and job, locked, so that no request to cancel comes in between.
 */
export async function settleAttempt(
  tx: Tx,
  attempt: AttemptRow,
  held: { box: BoxRow | undefined; job: JobRow },
  outcome: Outcome,
  known: { startedAt: string | null; fingerprint: string | null; hasRoomierBox?: boolean },
): Promise<void> {
  const { box, job } = held;
  const fate = fateOfJob(outcome, {
    attempt: attempt.number,
    isEndAsked: job.cancelRequestedAt !== null,
    hopeless: isStoppedEarly(job) ? job.detail : null,
    hasRoomierBox: known.hasRoomierBox === true,
  });
  const about = { jobId: job.id, attemptId: attempt.id, attempt: attempt.number };
  const event = { runId: job.runId, boxId: attempt.boxId };
  if (fate.kind === 'again') {
    const { reason, detail } = outcome;
    const waiting = { notBefore: new Date(Date.now() + fate.pauseMs) };
    await moveJob(tx, job.id, ['assigned', 'running'], 'queued', waiting, attempt.number);
    await recordEvent(tx, { ...event, type: 'job.requeued', payload: { ...about, reason, detail } });
  } else {
    const { state, reason, detail } = fate;
    const { metric } = outcome;
    const startedAt = job.startedAt ?? (known.startedAt === null ? null : new Date(known.startedAt));
    const ended = { reason, detail, metric, fingerprint: known.fingerprint, endedAt: new Date(), startedAt };
    await moveJob(tx, job.id, ['assigned', 'running'], state, ended, attempt.number);
    await recordEvent(tx, { ...event, type: `job.${state}`, payload: { ...about, reason, detail, metric } });
  }
  if (!box) return;
  const hasTold = outcome.reason === 'disk_full' && (await hasEndedBeside(tx, attempt, FULL_DISK));
  await settleBox(tx, { ...box, hasTold }, outcome);
}

async function settleBox(tx: Tx, box: BoxRow & { hasTold: boolean }, outcome: Outcome): Promise<void> {
  const fate = fateOfBox(outcome, box);
  if (!fate) return;
  const { infraFailures, cordon } = fate;
  await updateBox(tx, box.id, {
    infraFailures,
    ...(cordon === null ? {} : { isCordoned: true, cordonReason: cordon }),
  });
  if (cordon !== null) await recordEvent(tx, { type: 'box.cordoned', boxId: box.id, payload: { why: cordon } });
}
