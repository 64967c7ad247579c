import {
  fromWireNumber,
  isInfrastructureReason,
  jobStateFor,
  type ExitRecord,
  type JobReason,
  type Spec,
} from '@nightshift/protocol';
import {
  clearInfraFailures,
  countInfraFailure,
  endAttempt,
  fenceAttempt,
  findAttempt,
  findBoxById,
  findJob,
  isStoppedEarly,
  keepLateExit,
  lockRun,
  lockJob,
  moveJob,
  recordEvent,
  updateBox,
  type AttemptRow,
  type Db,
  type JobRow,
  type Tx,
} from '@nightshift/db';
import { fingerprintOf } from '../loop/fingerprint.js';
import { BREAKER_FAILURES, MAX_ATTEMPTS, RETRY_MS } from './deps.js';

export interface Finished {
  /** What the box may do with the job's directory: it is released in every case but for a frame that makes no sense. */
  release: boolean;
  runId: string | null;
}

/**
 * Takes in the end of an attempt, once: the result of a live attempt counts, a fenced one's is kept as evidence, a repeated
 * one changes nothing.
 */
export async function finishAttempt(
  db: Db,
  boxId: string,
  attemptId: string,
  token: string,
  exit: ExitRecord,
): Promise<Finished> {
  return db.transaction(async (tx) => {
    const attempt = await findAttempt(tx, attemptId);
    if (!attempt || attempt.boxId !== boxId || attempt.token !== token) return { release: true, runId: null };
    const job = (await findJob(tx, attempt.jobId)) as JobRow;
    // The run's lock before the first write: transaction ids, by which readers order events, then follow what caused what.
    const run = await lockRun(tx, job.runId, { skip: false });
    if (!(await endAttempt(tx, attemptId, token, exit))) {
      if (await keepLateExit(tx, attemptId, token, exit))
        await recordEvent(tx, {
          type: 'attempt.late',
          boxId,
          payload: { attemptId, reason: exit.reason, metric: exit.metric },
        });
      return { release: true, runId: null };
    }
    const outcome = judge(exit, run?.spec.metric ?? null);
    const box = await findBoxById(tx, boxId);
    // What never trained may have told too little: its fingerprint would be no other job's.
    const isTold = outcome.reason === 'completed' || exit.phases.some((phase) => phase.phase === 'train');
    const fingerprint =
      run && box && isTold ? fingerprintOf(box, { budgetMs: run.spec.job.budgetMs, told: exit.fingerprint }) : null;
    await settleJob(tx, attempt, job, outcome, { startedAt: exit.startedAt, fingerprint });
    return { release: true, runId: job.runId };
  });
}

/** Takes a live attempt away from a box that no longer has it, or that has been silent too long; its job is given out again. */
export async function loseAttempt(
  tx: Tx,
  attempt: AttemptRow,
  job: JobRow,
  why: { reason: JobReason; detail: string },
): Promise<void> {
  if (!(await fenceAttempt(tx, attempt.id))) return;
  await settleJob(tx, attempt, job, { ...why, metric: null }, { startedAt: null, fingerprint: null });
}

interface Outcome {
  reason: JobReason;
  detail: string;
  metric: number | null;
}

// The box is believed about how a job ended, not about whether its number is one: that is checked here again.
function judge(exit: ExitRecord, metric: Spec['metric'] | null): Outcome {
  const value = exit.metric === null ? null : fromWireNumber(exit.metric);
  if (exit.reason !== 'completed') return { reason: exit.reason, detail: exit.detail, metric: null };
  if (value === null) return { reason: 'no_metric', detail: 'the job ended well but reported no metric', metric: null };
  if (!Number.isFinite(value)) return { reason: 'diverged', detail: `the metric is ${value}`, metric: null };
  if (metric?.bounds && (value < metric.bounds[0] || value > metric.bounds[1]))
    return {
      reason: 'metric_out_of_bounds',
      detail: `${metric.name} ${value} is outside [${metric.bounds.join(', ')}]`,
      metric: null,
    };
  return { reason: 'completed', detail: exit.detail, metric: value };
}

async function settleJob(
  tx: Tx,
  attempt: AttemptRow,
  read: JobRow,
  outcome: Outcome,
  known: { startedAt: string | null; fingerprint: string | null },
): Promise<void> {
  // Held from here: a request to cancel that came in between would wait for ever with a job that is queued again.
  const job = (await lockJob(tx, read.id)) ?? read;
  const isUnasked = outcome.reason === 'cancelled' && job.cancelRequestedAt === null;
  const isInfrastructure = isInfrastructureReason(outcome.reason) || isUnasked;
  await updateBreaker(tx, attempt.boxId, outcome.reason);
  const told = {
    jobId: job.id,
    attemptId: attempt.id,
    attempt: attempt.number,
    reason: outcome.reason,
    detail: outcome.detail,
  };
  if (isInfrastructure && job.cancelRequestedAt === null && attempt.number < MAX_ATTEMPTS) {
    const pauseMs = RETRY_MS * 2 ** (attempt.number - 1);
    await moveJob(
      tx,
      job.id,
      ['assigned', 'running'],
      'queued',
      { notBefore: new Date(Date.now() + pauseMs) },
      attempt.number,
    );
    await recordEvent(tx, { type: 'job.requeued', runId: job.runId, boxId: attempt.boxId, payload: told });
    return;
  }
  // A job that ended in its own way before the request reached it counts as what it is, a full measurement included.
  const isAsked = job.cancelRequestedAt !== null && (isInfrastructure || outcome.reason === 'cancelled');
  const isHopeless = isAsked && isStoppedEarly(job);
  const reason = isHopeless ? 'stopped_early' : isAsked ? 'cancelled' : outcome.reason;
  const detail = isHopeless && job.detail !== null ? job.detail : outcome.detail;
  const state = jobStateFor(reason);
  await moveJob(
    tx,
    job.id,
    ['assigned', 'running'],
    state,
    {
      reason,
      detail,
      metric: outcome.metric,
      fingerprint: known.fingerprint,
      endedAt: new Date(),
      startedAt: job.startedAt ?? (known.startedAt === null ? null : new Date(known.startedAt)),
    },
    attempt.number,
  );
  await recordEvent(tx, {
    type: `job.${state}`,
    runId: job.runId,
    boxId: attempt.boxId,
    payload: { ...told, reason, detail, metric: outcome.metric },
  });
}

// What a project got wrong (its source, its setup, its evaluator, what the owner does not allow) says nothing about the box.
const REASONS_OF_THE_BOX: readonly JobReason[] = ['disk_full', 'internal_error'];

async function updateBreaker(tx: Tx, boxId: string, reason: JobReason): Promise<void> {
  if (isInfrastructureReason(reason) && !REASONS_OF_THE_BOX.includes(reason)) return;
  if (!isInfrastructureReason(reason)) {
    await clearInfraFailures(tx, boxId);
    return;
  }
  const failures = await countInfraFailure(tx, boxId);
  if (failures !== BREAKER_FAILURES) return;
  await updateBox(tx, boxId, { isCordoned: true });
  await recordEvent(tx, {
    type: 'box.cordoned',
    boxId,
    payload: { why: `${failures} failures of the infrastructure in a row, the last: ${reason}` },
  });
}
