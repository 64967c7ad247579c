import {
  findBoxById,
  findLatestAttempt,
  findTrainingStart,
  readCurves,
  recordEvent,
  requestEarlyStop,
  type IterationRow,
  type JobRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { earlyStop, type EarlyStop } from '../decision/early-stop.js';
import { earlierCurves } from './earlier-curves.js';
import type { LoopState } from './loop-state.js';

export interface StopEarly {
  kind: 'stop_early';
  iteration: IterationRow;
  job: JobRow;
  stop: EarlyStop;
}

/**
 * A candidate that trains and whose curve is hopeless by now; null when there is none. Only the first measurement of a new
 * configuration is stopped: what is measured again is wanted whatever it shows.
 */
export async function findHopeless(tx: Tx, state: LoopState): Promise<StopEarly | null> {
  const { run } = state;
  const rule = run.spec.fidelity?.earlyStop;
  if (!rule || run.stopRequestedAt !== null) return null;
  for (const iteration of state.open) {
    if (iteration.state !== 'measuring' || iteration.repeatOf !== null) continue;
    const job = state.openJobs.find(
      (other) => other.iterationId === iteration.id && other.role === 'candidate' && other.state === 'running',
    );
    if (!job || job.cancelRequestedAt !== null) continue;
    const attempt = await findLatestAttempt(tx, job.id);
    if (attempt?.state !== 'running' || attempt.phase !== 'train') continue;
    const beganAt = await findTrainingStart(tx, run.id, attempt.id);
    const box = await findBoxById(tx, attempt.boxId);
    if (!beganAt || !box) continue;
    const stop = earlyStop({
      ...rule,
      budgetSeconds: run.spec.job.budgetMs / 1000,
      minImprovement: run.spec.decision.minImprovement,
      running: (await readCurves(tx, [{ attemptId: attempt.id, beganAt }], rule.metric)).get(attempt.id) ?? [],
      earlier: await earlierCurves(tx, run, box, rule.metric),
    });
    if (stop) return { kind: 'stop_early', iteration, job, stop };
  }
  return null;
}

/** Asks the box to end a hopeless candidate. When the job ends first, its measurement counts in full. */
export async function stopHopeless(tx: Tx, run: RunRow, { iteration, job, stop }: StopEarly): Promise<void> {
  if (!(await requestEarlyStop(tx, job.id, stop.why))) return;
  await recordEvent(tx, {
    type: 'job.stopping',
    runId: run.id,
    payload: {
      jobId: job.id,
      iteration: iteration.number,
      detail: stop.why,
      trainedSeconds: stop.seconds,
      share: stop.share,
      value: Number.isFinite(stop.value) ? stop.value : null,
      best: stop.best,
      worst: stop.worst,
      curves: stop.n,
      expected: stop.expected,
    },
  });
}
