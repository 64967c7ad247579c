import type { CandidateReason, Config, Decision } from '@nightshift/protocol';
import {
  countDecided,
  findIteration,
  lastIterationOf,
  findLatestAttempt,
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
import { comparable } from '../decision/comparability.js';
import { checkGuards } from '../decision/guard.js';
import { decide, type DecideInput, type Ruling } from '../decision/index.js';
import { leaveOpen } from '../decision/leave-open.js';
import { mean } from '../decision/noise.js';
import { commitIdOf } from './commit-id.js';
import { decideScreening } from './decide-screening.js';
import { fullTrainingSeconds } from './full-training.js';
import { guardValues, hasSealedMeasurement, whyUntold } from './guard-values.js';
import { updateLiveFigures } from './live-figures.js';
import { queueJob } from './queue-job.js';
import { sendSlipBack } from './send-slip-back.js';
import { weighPatch } from './weigh-patch.js';
import { comparatorOf } from './comparator.js';

/** All the jobs of an iteration have ended: writes the decision, or queues the measurement that can still change it. */
export async function decideIteration(tx: Tx, run: RunRow, iteration: IterationRow, allJobs: JobRow[]): Promise<void> {
  const screening = await decideScreening(tx, run, iteration, allJobs);
  if (screening === 'settled') return;
  // Jobs of a patch that was repaired since are history: the iteration is about the code that it has now.
  const jobs = allJobs.filter(
    (job) =>
      job === screening || (job.role !== 'screen' && (job.role === 'audit' || job.configKey === iteration.configKey)),
  );
  const succeeded = jobs.filter((job) => job.state === 'succeeded' && job.role !== 'audit');
  const failed = jobs.find((job) => job.state !== 'succeeded' && job.state !== 'cancelled' && job.role !== 'audit');
  if (succeeded.length === 0 || failed) {
    if (failed && (await sendSlipBack(tx, run, iteration, failed))) return;
    await endUnmeasured(tx, run, iteration, failed);
    return;
  }
  const own = new Set(jobs.map((job) => job.id));
  const measurements = (await listMeasurements(tx, run.id)).map((row) => ({ ...row, isOwn: own.has(row.jobId) }));
  const comparator = comparatorOf(run);
  const key = iteration.configKey as string;
  const comparison = comparable(measurements, { candidate: key, comparator: comparator.key });
  const target = { config: iteration.config as Config, configKey: key };
  const measureAgain = async (role: 'replicate' | 'audit', pinnedBoxId: string | null, why: string): Promise<void> => {
    // Those of a patch that was repaired since are counted too: a number is given once in an iteration.
    const replicate = allJobs.filter((job) => job.role === role).length + 1;
    const what = role === 'replicate' ? target : { config: comparator.config, configKey: comparator.key };
    await queueJob(tx, run, {
      iterationId: iteration.id,
      iteration: iteration.number,
      role,
      replicate,
      ...what,
      pinnedBoxId,
    });
    await recordEvent(tx, {
      type: 'iteration.replicate',
      runId: run.id,
      payload: { iteration: iteration.number, role, why, pinnedBoxId },
    });
  };
  if (comparison.kind === 'remeasure') return measureAgain('replicate', comparison.boxId, comparison.why);

  const groups = comparison.kind === 'compare' ? comparison.groups : new Map<string, number[]>();
  const candidate = groups.get(key) ?? succeeded.map((job) => job.metric as number);
  const brokenAudit = jobs.findLast((job) => job.role === 'audit' && job.state !== 'succeeded');
  const input: DecideInput = {
    goal: run.spec.metric.goal,
    compare: comparator.which,
    rule: run.spec.decision,
    candidate,
    comparator: groups.get(comparator.key) ?? [],
    groups: comparison.kind === 'compare' ? comparison.noise : [],
    decisionsSoFar: await countDecided(tx, run.id),
    plannedDecisions: run.spec.stop.iterations,
    canMeasureComparator: brokenAudit === undefined,
  };
  const ruling: Ruling =
    comparison.kind === 'compare'
      ? decide(input)
      : { kind: 'decided', decision: leaveOpen({ ...input, comparator: [] }, comparison.why) };
  if (ruling.kind === 'measure') {
    const boxId = comparison.kind === 'compare' ? comparison.boxId : null;
    return measureAgain(ruling.role === 'replicate' ? 'replicate' : 'audit', boxId, ruling.why);
  }

  let { decision } = ruling;
  if (brokenAudit && input.comparator.length === 0)
    decision = { ...decision, reason: `${decision.reason} Measuring it failed: ${brokenAudit.reason}.` };
  const fingerprint = comparison.kind === 'compare' ? comparison.fingerprint : null;
  const compared = measurements.filter((row) => row.fingerprint === fingerprint);
  const violations =
    decision.outcome === 'keep'
      ? checkGuards(
          run.spec.guard ?? [],
          await guardValues(tx, run, compared, key, comparator.key),
          hasSealedMeasurement(run.spec) ? 'the evaluator (what training prints is not counted)' : undefined,
        )
      : [];
  const untold = await whyUntold(tx, run, compared, violations, { candidate: key, comparator: comparator.key });
  if (untold !== null)
    decision = {
      ...decision,
      outcome: 'inconclusive',
      reason: `${untold} By ${run.spec.metric.name} alone it would have been kept: ${decision.reason}`,
    };
  else if (violations.length > 0)
    decision = {
      ...decision,
      outcome: 'revert',
      guards: [...new Set(violations.map((violation) => violation.name))],
      reason: `Reverted by a guard: ${violations.map((violation) => violation.reason).join('; ')}. By ${run.spec.metric.name} alone it would have been kept: ${decision.reason}`,
    };
  decision = weighPatch(run, iteration, decision);
  const to = ({ keep: 'kept', revert: 'reverted', inconclusive: 'inconclusive' } as const)[decision.outcome];
  const metric = mean(candidate);
  const ended = { decision, metric, endedAt: new Date() };
  const commitId = to === 'kept' ? await commitIdOf(tx, run, { ...iteration, ...ended }) : null;
  const isMoved = await moveIteration(tx, iteration.id, 'measuring', to, {
    ...ended,
    commitId,
    ...(await standingOf(tx, run, iteration, comparator.key)),
  });
  if (!isMoved) return;
  if (to === 'kept' && (await isBetterThanIncumbent(tx, run, groups, metric, decision)))
    await updateRun(tx, run.id, {
      incumbentConfig: target.config,
      incumbentKey: key,
      incumbentCodeKey: iteration.codeKey,
      incumbentIteration: iteration.number,
    });
  await recordEvent(tx, {
    type: `iteration.${to}`,
    runId: run.id,
    payload: {
      iteration: iteration.number,
      proposal: iteration.proposal,
      metric,
      decision,
      fingerprint,
      ...(violations.length > 0 && { guards: violations }),
    },
  });
  await unparkProposing(tx, run.id);
  await updateLiveFigures(tx, run, iteration.id);
}

// The incumbent may have changed while the candidate trained: it is compared with the new one, and is a change of the old.
async function standingOf(
  tx: Tx,
  run: RunRow,
  iteration: IterationRow,
  comparatorKey: string,
): Promise<Pick<IterationRow, 'comparatorKey' | 'standsOn'> | null> {
  const former = iteration.comparatorKey;
  if (former === null || former === comparatorKey) return null;
  const stoodOn = former === run.baselineKey ? 0 : await lastIterationOf(tx, run.id, former);
  return { comparatorKey, standsOn: iteration.standsOn ?? stoodOn };
}

// With compare: baseline a kept candidate need not beat the best so far; the incumbent is the best kept one. When the two were
// never measured on the same box, their gains over the baseline, each on its own box, are what can be compared.
async function isBetterThanIncumbent(
  tx: Tx,
  run: RunRow,
  groups: Map<string, number[]>,
  metric: number,
  decision: Decision,
): Promise<boolean> {
  if (run.spec.decision.compare === 'incumbent' || run.incumbentIteration === null) return true;
  const values = groups.get(run.incumbentKey);
  if (values) return run.spec.metric.goal === 'minimize' ? metric < mean(values) : metric > mean(values);
  const incumbent = await findIteration(tx, run.id, run.incumbentIteration);
  return (decision.effect ?? 0) > (incumbent?.decision?.effect ?? 0);
}

async function endUnmeasured(tx: Tx, run: RunRow, iteration: IterationRow, failed: JobRow | undefined): Promise<void> {
  const endedAt = new Date();
  if (failed) {
    const failure = failed.reason as CandidateReason;
    await moveIteration(tx, iteration.id, 'measuring', 'failed', { failure, failureDetail: failed.detail, endedAt });
    await recordEvent(tx, {
      type: 'iteration.failed',
      runId: run.id,
      payload: {
        iteration: iteration.number,
        proposal: iteration.proposal,
        failure,
        detail: failed.detail,
        ...(failure === 'stopped_early' && { savedSeconds: await savedSeconds(tx, run, failed) }),
      },
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

// Training that a full measurement would still have taken: programs may end before their budget does.
async function savedSeconds(tx: Tx, run: RunRow, job: JobRow): Promise<number> {
  const full = await fullTrainingSeconds(tx, run);
  const exit = (await findLatestAttempt(tx, job.id))?.exit;
  const used = exit?.phases.find((phase) => phase.phase === 'train')?.durationMs ?? 0;
  return Math.max(0, full - used / 1000);
}
