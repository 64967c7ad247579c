import { isInfrastructureReason, type Config, type JobReason, type Screening } from '@nightshift/protocol';
import {
  findLatestAttempt,
  listScreened,
  listScreenings,
  moveIteration,
  recordEvent,
  unparkProposing,
  updateScreening,
  type IterationRow,
  type JobRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { screen } from '../decision/screen.js';
import { comparatorOf } from './comparator.js';
import { fullTrainingSeconds } from './full-training.js';
import { updateLiveFigures } from './live-figures.js';
import { queueJob } from './queue-job.js';
import { endScreening } from './screen-candidate.js';
import { screenPairs } from './screen-pairs.js';

/** A program may need its full budget to come to a number at all: that is no evidence against what it ran. */
const NOTHING_SAID: readonly (JobReason | null)[] = ['no_metric', 'timeout', 'metric_out_of_bounds'];
/** Cheap trainings of the comparator for one candidate: a box that changes under them would ask for ever. */
const MAX_COMPARATOR_JOBS = 4;

/**
 * The cheap trainings of an iteration have ended: gives the candidate up, queues its full measurement, or asks for one more cheap
 * training of what it is compared with.
 * @returns `settled`; or, when the iteration ends with it, the screening that failed or was cancelled; null where nothing is screened.
 */
export async function decideScreening(
  tx: Tx,
  run: RunRow,
  iteration: IterationRow,
  allJobs: JobRow[],
): Promise<'settled' | JobRow | null> {
  const rule = run.spec.fidelity?.screen;
  const key = iteration.configKey as string;
  const cheap = allJobs.filter((job) => job.role === 'screen');
  const own = cheap.findLast((job) => job.configKey === key);
  const isPast = allJobs.some((job) => job.role !== 'screen' && job.role !== 'audit' && job.configKey === key);
  if (!rule || !own || isPast) return null;
  if (own.state !== 'succeeded' && !NOTHING_SAID.includes(own.reason)) return own;

  const comparator = comparatorOf(run);
  const trained = {
    trainedSeconds: await secondsTrained(tx, [own]),
    comparatorSeconds: await secondsTrained(
      tx,
      cheap.filter((job) => job.configKey !== key),
    ),
  };
  if (own.state !== 'succeeded') {
    const reason = `It gave no number at the cheap budget (${own.reason}), which the full one may.`;
    await pass(tx, run, iteration, { ...NOTHING_KNOWN, ...trained, reason });
    return 'settled';
  }
  const before = cheap.filter((job) => job.configKey === comparator.key);
  const broken = before.findLast((job) => job.state !== 'succeeded');
  const screenings = (await listScreenings(tx, run.id)).filter((row) => row.fingerprint === own.fingerprint);
  const valuesOf = (configKey: string) =>
    screenings.filter((row) => row.configKey === configKey).map((row) => row.metric);
  const ruling = screen({
    goal: run.spec.metric.goal,
    minImprovement: run.spec.decision.minImprovement,
    margin: rule.margin,
    after: rule.after,
    candidate: [own.metric as number],
    comparator: valuesOf(comparator.key),
    groups: [...new Set(screenings.map((row) => row.configKey))].map(valuesOf),
    pairs: screenPairs(await listScreened(tx, run.id)),
    canMeasureComparator: broken === undefined && before.length < MAX_COMPARATOR_JOBS,
  });
  if (ruling.kind === 'measure') {
    const boxId = screenings.find((row) => row.jobId === own.id)?.boxId ?? null;
    await queueJob(tx, run, {
      iterationId: iteration.id,
      iteration: iteration.number,
      role: 'screen',
      replicate: cheap.length + 1,
      config: comparator.config,
      configKey: comparator.key,
      pinnedBoxId: boxId,
    });
    await recordEvent(tx, {
      type: 'iteration.replicate',
      runId: run.id,
      payload: { iteration: iteration.number, role: 'screen', why: ruling.why, pinnedBoxId: boxId },
    });
    return 'settled';
  }
  const { screening } = ruling;
  if (screening.outcome === 'screened_out') await giveUp(tx, run, iteration, { ...screening, ...trained });
  else await pass(tx, run, iteration, { ...screening, ...trained });
  // A comparator that cannot do without its full budget leaves nothing to compare with, now and later.
  if (screening.outcome === 'unknown' && broken?.reason && isOfTheComparator(broken.reason))
    await endScreening(
      tx,
      run,
      `what candidates are compared with gave no number at the cheap budget: ${broken.reason}`,
    );
  return 'settled';
}

const NOTHING_KNOWN: Omit<Screening, 'trainedSeconds' | 'comparatorSeconds' | 'savedSeconds' | 'reason'> = {
  outcome: 'unknown',
  value: null,
  comparatorMean: null,
  comparatorN: 0,
  effect: null,
  bar: null,
  expected: null,
  luckiest: null,
  pairs: 0,
};

function isOfTheComparator(reason: JobReason): boolean {
  return reason !== 'cancelled' && !isInfrastructureReason(reason);
}

async function pass(
  tx: Tx,
  run: RunRow,
  iteration: IterationRow,
  said: Omit<Screening, 'savedSeconds'>,
): Promise<void> {
  const screening: Screening = { ...said, savedSeconds: null };
  await updateScreening(tx, iteration.id, screening);
  await queueJob(tx, run, {
    iterationId: iteration.id,
    iteration: iteration.number,
    role: 'candidate',
    replicate: iteration.repairs + 1,
    config: iteration.config as Config,
    configKey: iteration.configKey as string,
  });
  await recordEvent(tx, {
    type: 'iteration.screened',
    runId: run.id,
    payload: { iteration: iteration.number, screening },
  });
}

async function giveUp(
  tx: Tx,
  run: RunRow,
  iteration: IterationRow,
  said: Omit<Screening, 'savedSeconds'>,
): Promise<void> {
  const savedSeconds = Math.max(0, (await fullTrainingSeconds(tx, run)) - said.trainedSeconds);
  const screening: Screening = { ...said, savedSeconds };
  if (!(await moveIteration(tx, iteration.id, 'measuring', 'screened_out', { screening, endedAt: new Date() }))) return;
  await recordEvent(tx, {
    type: 'iteration.screened_out',
    runId: run.id,
    payload: { iteration: iteration.number, proposal: iteration.proposal, screening, savedSeconds },
  });
  await unparkProposing(tx, run.id);
  await updateLiveFigures(tx, run, iteration.id);
}

async function secondsTrained(tx: Tx, jobs: JobRow[]): Promise<number> {
  let ms = 0;
  for (const job of jobs) {
    const exit = (await findLatestAttempt(tx, job.id))?.exit;
    ms += exit?.phases.find((phase) => phase.phase === 'train')?.durationMs ?? 0;
  }
  return ms / 1000;
}
