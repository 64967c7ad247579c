import {
  keptHead,
  evaluatorWarning,
  measurementOf,
  sourceWarning,
  type CodeProposal,
  type EarlierSession,
  type IterationOutcome,
  type JobReason,
  type Trajectory,
  type TrajectoryRecord,
} from '@nightshift/protocol';
import {
  countVetoes,
  findLastEvent,
  findEarlierSession,
  listAttemptsOfJobs,
  listIterations,
  listJobsOfIterations,
  listAudits,
  listBaselineJobs,
  listModelCallsOfIteration,
  listModelCallTimes,
  sumModelCostUsd,
  sumScreeningMs,
  type AttemptRow,
  type IterationRow,
  type JobRow,
  type ModelCallRow,
  type Queryable,
  type RunRow,
} from '@nightshift/db';
import { meanOf } from '../trajectory/measurements.js';
import { confirmationOf } from './confirmation-of-run.js';
import type { Critique } from './critic.js';
import { baselineGuardsWarning } from './tell-baseline-guards.js';

const OUTCOMES: Partial<Record<IterationRow['state'], IterationOutcome>> = {
  kept: 'kept',
  reverted: 'reverted',
  inconclusive: 'inconclusive',
  blocked: 'blocked',
  failed: 'failed',
  screened_out: 'screened_out',
};

/** One ended iteration as the pure rooms see it; null while it is open and when it was cancelled. */
export function recordOf(
  iteration: IterationRow,
  jobs: JobRow[],
  attempts: AttemptRow[],
  calls: Pick<ModelCallRow, 'latencyMs'>[],
): TrajectoryRecord | null {
  const outcome = OUTCOMES[iteration.state];
  if (outcome === undefined) return null;
  const values = jobs
    .filter(
      (job) =>
        job.role !== 'audit' && job.role !== 'screen' && job.configKey === iteration.configKey && job.metric !== null,
    )
    .map((job) => job.metric as number);
  const energies = attempts.flatMap((attempt) =>
    attempt.state === 'ended' && attempt.exit?.energyWh != null ? [attempt.exit.energyWh] : [],
  );
  const wallMs =
    iteration.measuringAt && iteration.endedAt ? iteration.endedAt.getTime() - iteration.measuringAt.getTime() : null;
  return {
    iteration: iteration.number,
    outcome,
    proposer: iteration.proposer,
    proposal: iteration.proposal,
    config: iteration.config,
    ...(iteration.standsOn === null ? {} : { standsOn: iteration.standsOn }),
    ...(iteration.patch ? { description: (iteration.patch as CodeProposal).summary } : {}),
    values,
    metric: meanOf(values),
    failure: iteration.failure as JobReason | null,
    rail: outcome === 'blocked' ? (iteration.blocked.at(-1)?.rail ?? null) : null,
    blocked: iteration.blocked,
    ...(iteration.outweighed.length === 0 ? {} : { outweighed: iteration.outweighed }),
    decision: iteration.decision,
    ...(iteration.screening && { screening: iteration.screening }),
    ...critiqueOf(iteration),
    wallSeconds: wallMs === null ? null : wallMs / 1000,
    modelSeconds: calls.length === 0 ? null : calls.reduce((sum, call) => sum + call.latencyMs, 0) / 1000,
    energyWh: energies.length === 0 ? null : energies.reduce((sum, wh) => sum + wh, 0),
  };
}

function critiqueOf({ critique }: IterationRow): Pick<TrajectoryRecord, 'critique'> {
  if (critique === null || critique === undefined) return {};
  const { veto, isOverruled } = critique as Critique;
  return { critique: { veto, isOverruled } };
}

/** The record of one iteration, read from its rows. */
export async function loadRecord(q: Queryable, iteration: IterationRow): Promise<TrajectoryRecord | null> {
  const jobs = await listJobsOfIterations(q, [iteration.id]);
  const attempts = await listAttemptsOfJobs(
    q,
    jobs.map((job) => job.id),
  );
  return recordOf(iteration, jobs, attempts, await listModelCallsOfIteration(q, iteration.id));
}

/** All iterations of a run in order, with its baseline: what proposers, reports and exports read. */
export async function loadTrajectory(q: Queryable, run: RunRow): Promise<Trajectory> {
  const iterations = await listIterations(q, run.id);
  const jobs = await listJobsOfIterations(
    q,
    iterations.map((iteration) => iteration.id),
  );
  const attempts = await listAttemptsOfJobs(
    q,
    jobs.map((job) => job.id),
  );
  const jobsOf = groupBy(jobs, (job) => job.iterationId);
  const attemptsOf = groupBy(attempts, (attempt) => attempt.jobId);
  const callsOf = groupBy(await listModelCallTimes(q, run.id), (call) => call.iterationId);
  // Further measurements of what candidates were compared with, whoever asked for them: they belong to what they measured.
  const audits = groupBy(await listAudits(q, run.id), (job) => job.configKey);
  const earlier = run.earlierFigures === null ? null : await findEarlierSession(q, run.id);
  const afterSearch = new Set(run.searchEnd?.jobIds);
  const baseline = [...(await listBaselineJobs(q, run.id)), ...(audits.get(run.baselineKey) ?? [])].flatMap((job) =>
    job.metric === null ? [] : [job.metric],
  );
  return {
    metric: { name: run.spec.metric.name, goal: run.spec.metric.goal },
    menu: run.spec.menu,
    baseline: {
      config: run.baselineConfig,
      values: baseline,
      value: meanOf(baseline),
    },
    records: iterations.flatMap((iteration) => {
      const own = jobsOf.get(iteration.id) ?? [];
      const record = recordOf(
        iteration,
        own,
        own.flatMap((job) => attemptsOf.get(job.id) ?? []),
        callsOf.get(iteration.id) ?? [],
      );
      if (record?.outcome !== 'kept' || iteration.configKey === null) return record ? [record] : [];
      // What was measured after the search confirms the choice and is told as that.
      const again = (audits.get(iteration.configKey) ?? [])
        .filter(({ id }) => !afterSearch.has(id))
        .flatMap((job) => (job.metric === null ? [] : [job.metric]));
      return [again.length === 0 ? record : { ...record, audits: again }];
    }),
    ...(run.incumbentIteration === null ? {} : { incumbent: run.incumbentIteration }),
    ...(await confirmationOf(q, run)),
    measurement: measurementOf(run.spec),
    ...(run.spec.fidelity?.screen ? { screeningSeconds: (await sumScreeningMs(q, run.id)) / 1000 } : {}),
    ...(run.state === 'failed' ? { failed: run.endDetail ?? run.endReason } : {}),
    ...(run.screeningOff === null ? {} : { screeningOff: run.screeningOff }),
    ...(earlier === null ? {} : { earlier: earlierOf(run, earlier) }),
    ...(run.spec.proposer.critic ? { vetoes: await countVetoes(q, run.id) } : {}),
    modelCostUsd: await sumModelCostUsd(q, run.id),
    warnings: [
      evaluatorWarning(run.spec, run.evaluatorReads),
      sourceWarning(await findSourceChange(q, run.id)),
      await baselineGuardsWarning(q, run),
    ].filter((warning) => warning !== null),
  };
}

/** How the folder that a run came from differs from what it goes on with, as last seen; null when it does not. */
export async function findSourceChange(q: Queryable, runId: string): Promise<string | null> {
  const detail = (await findLastEvent(q, runId, 'run.source_changed'))?.['detail'];
  return typeof detail === 'string' ? detail : null;
}

// Whether the earlier session's kept head is what was measured as the baseline, as far as both are known.
function earlierOf(run: RunRow, session: EarlierSession): EarlierSession {
  const key = keptHead(session)?.codeKey ?? null;
  const isKnown = key !== null && run.baselineCodeKey !== null;
  return { ...session, startsAtHead: isKnown ? key === run.baselineCodeKey : null };
}

function groupBy<T, K>(items: T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
