import type { Config } from '@nightshift/protocol';
import {
  listJobsOfIterations,
  listScreened,
  listScreenings,
  recordEvent,
  sumScreeningMs,
  updateRun,
  type IterationRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { whyScreeningEnds } from '../decision/screen-worth.js';
import { fullTrainingSeconds } from './full-training.js';
import { queueJob } from './queue-job.js';
import { screenPairs } from './screen-pairs.js';

/**
 * Queues a new candidate's training for the cheap budget, when the run screens. Not for repeats, and not for a configuration that
 * was screened before: whoever asks for it again wants it measured.
 * @returns whether it was queued; false when the candidate gets its full budget at once.
 */
export async function screenCandidate(
  tx: Tx,
  run: RunRow,
  iteration: IterationRow,
  what: { config: Config; configKey: string; repeatOf: string | null },
): Promise<boolean> {
  if (!run.spec.fidelity?.screen || run.screeningOff !== null || what.repeatOf !== null) return false;
  if (await endMisleading(tx, run)) return false;
  const known = await listScreenings(tx, run.id);
  if (known.some((row) => row.configKey === what.configKey && row.iterationId !== iteration.id)) return false;
  const own = (await listJobsOfIterations(tx, [iteration.id])).filter((job) => job.role === 'screen');
  await queueJob(tx, run, {
    iterationId: iteration.id,
    iteration: iteration.number,
    role: 'screen',
    replicate: own.length + 1,
    config: what.config,
    configKey: what.configKey,
  });
  return true;
}

// Looked at before every screening: what this run has measured at both budgets says whether the next one is worth its time.
async function endMisleading(tx: Tx, run: RunRow): Promise<boolean> {
  const screened = await listScreened(tx, run.id);
  const pairs = screenPairs(screened);
  const gaveUp = screened.filter((row) => row.state === 'screened_out');
  // What a screened-out candidate trained is spent; a full training would have taken that and what it saved.
  const savedSeconds = gaveUp.reduce(
    (sum, { screening }) => sum + screening.trainedSeconds + (screening.savedSeconds ?? 0),
    0,
  );
  const why = whyScreeningEnds({
    pairs,
    spentSeconds: (await sumScreeningMs(tx, run.id)) / 1000,
    savedSeconds,
    fullSeconds: await fullTrainingSeconds(tx, run),
    silent: { n: screened.filter(({ screening }) => screening.value === null).length, of: screened.length },
  });
  if (why === null) return false;
  await endScreening(tx, run, why);
  return true;
}

/** Screening is over for this run, and why: what was given up may be proposed again. */
export async function endScreening(tx: Tx, run: RunRow, why: string): Promise<void> {
  if (run.screeningOff !== null) return;
  await updateRun(tx, run.id, { screeningOff: why });
  await recordEvent(tx, { type: 'run.screening_off', runId: run.id, payload: { why } });
}
