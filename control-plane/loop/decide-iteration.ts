import type { CandidateReason } from '@nightshift/protocol';
import {
  countDecided,
  listMeasurements,
  moveIteration,
  recordEvent,
  unparkProposing,
  updateRun,
  type IterationRow,
  type JobRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { decide, type Ruling } from '../decision/index.js';
import { updateLiveFigures } from './live-figures.js';
import { queueJob } from './queue-job.js';
import { comparatorOf } from './start-iteration.js';

/** All the jobs of an iteration have ended: writes the decision, or queues the measurement that can still change it. */
export async function decideIteration(tx: Tx, run: RunRow, iteration: IterationRow, jobs: JobRow[]): Promise<void> {
  const succeeded = jobs.filter((job) => job.state === 'succeeded' && job.role !== 'audit');
  const failed = jobs.find((job) => job.state !== 'succeeded' && job.state !== 'cancelled' && job.role !== 'audit');
  if (succeeded.length === 0 || failed) {
    await endUnmeasured(tx, run, iteration, failed);
    return;
  }
  const measurements = await listMeasurements(tx, run.id);
  const groups = new Map<string, number[]>();
  for (const { configKey, metric } of measurements) groups.set(configKey, [...(groups.get(configKey) ?? []), metric]);
  const comparator = comparatorOf(run);
  const key = iteration.configKey as string;
  const candidate = groups.get(key) ?? [];
  const ruling: Ruling = decide({
    goal: run.spec.metric.goal,
    compare: comparator.which,
    rule: run.spec.decision,
    candidate,
    comparator: groups.get(comparator.key) ?? [],
    groups: [...groups.values()],
    decisionsSoFar: await countDecided(tx, run.id),
    plannedDecisions: run.spec.stop.iterations,
  });
  if (ruling.kind === 'measure') {
    const isReplicate = ruling.role === 'replicate';
    const role = isReplicate ? 'replicate' : 'audit';
    const replicate = jobs.filter((job) => job.role === role).length + 1;
    const target = isReplicate
      ? { config: iteration.config as NonNullable<typeof iteration.config>, configKey: key }
      : { config: comparator.config, configKey: comparator.key };
    await queueJob(tx, run, { iterationId: iteration.id, iteration: iteration.number, role, replicate, ...target });
    await recordEvent(tx, {
      type: 'iteration.replicate',
      runId: run.id,
      payload: { iteration: iteration.number, role, why: ruling.why },
    });
    return;
  }
  const { decision } = ruling;
  const to = ({ keep: 'kept', revert: 'reverted', inconclusive: 'inconclusive' } as const)[decision.outcome];
  const metric = candidate.reduce((sum, value) => sum + value, 0) / candidate.length;
  const isMoved = await moveIteration(tx, iteration.id, 'measuring', to, { decision, metric, endedAt: new Date() });
  if (!isMoved) return;
  if (to === 'kept' && isBetterThanIncumbent(run, groups, metric))
    await updateRun(tx, run.id, {
      incumbentConfig: iteration.config as NonNullable<typeof iteration.config>,
      incumbentKey: key,
      incumbentIteration: iteration.number,
    });
  await recordEvent(tx, {
    type: `iteration.${to}`,
    runId: run.id,
    payload: { iteration: iteration.number, proposal: iteration.proposal, metric, decision },
  });
  await unparkProposing(tx, run.id);
  await updateLiveFigures(tx, run, iteration.id);
}

// With compare: baseline a kept candidate need not beat the best so far; the incumbent is the best kept one.
function isBetterThanIncumbent(run: RunRow, groups: Map<string, number[]>, metric: number): boolean {
  if (run.spec.decision.compare === 'incumbent') return true;
  const values = groups.get(run.incumbentKey) ?? [];
  if (values.length === 0) return true;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return run.spec.metric.goal === 'minimize' ? metric < mean : metric > mean;
}

async function endUnmeasured(tx: Tx, run: RunRow, iteration: IterationRow, failed: JobRow | undefined): Promise<void> {
  const endedAt = new Date();
  if (failed) {
    const failure = failed.reason as CandidateReason;
    await moveIteration(tx, iteration.id, 'measuring', 'failed', { failure, failureDetail: failed.detail, endedAt });
    await recordEvent(tx, {
      type: 'iteration.failed',
      runId: run.id,
      payload: { iteration: iteration.number, proposal: iteration.proposal, failure, detail: failed.detail },
    });
  } else {
    await moveIteration(tx, iteration.id, 'measuring', 'cancelled', { endedAt });
    await recordEvent(tx, {
      type: 'iteration.cancelled',
      runId: run.id,
      payload: { iteration: iteration.number, detail: 'its job was cancelled' },
    });
  }
  await unparkProposing(tx, run.id);
  await updateLiveFigures(tx, run, iteration.id);
}
