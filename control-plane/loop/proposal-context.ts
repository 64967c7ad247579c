import {
  codeKeyOf,
  compileConstraints,
  configKey,
  type CandidateReason,
  type Config,
  type Menu,
  type MetricPoint,
  type Trajectory,
  type Trial,
} from '@nightshift/protocol';
import {
  listEarlyStops,
  listMeasurements,
  listRecentCurves,
  listTriedConfigs,
  type Queryable,
  type RunRow,
  type TriedConfig,
} from '@nightshift/db';
import { estimateNoise } from '../decision/index.js';
import { mean } from '../decision/noise.js';
import type { GateContext } from '../policy/gate.js';
import type { Turn } from '../search/index.js';
import { meanOf } from '../trajectory/measurements.js';
import { PATCH } from './code-gate.js';
import { expectedByCurve, expectedByScreening, givenUpTrial, type ExpectedEffect } from './given-up.js';
import { frontOfRun, type Front } from './front-of-run.js';
import { guardReadingsByKey } from './guard-values.js';
import { measuredKeys } from './measured-keys.js';
import { comparatorOf, type Comparator } from './comparator.js';
import { loadTrajectory } from './trajectory-of-run.js';
import { whereMostMeasured } from './where-most-measured.js';

/** How many iterations' curves a prompt tells, and points of each: it summarises them in a line. */
const CURVES = 10;
const CURVE_POINTS = 40;

interface TriedGroup {
  config: Config;
  values: number[];
  failure: CandidateReason | string | null;
  isPending: boolean;
  /** Of a configuration that was given up before its full budget: how. */
  givenUp: TriedConfig | null;
}

/** What a proposer of either kind works with: one read of the run's rows. */
export interface ProposalContext {
  trajectory: Trajectory;
  trials: Trial[];
  comparator: Comparator & { value: number | null; n: number };
  /** What the loop's own proposals change. */
  front: Front;
  /** Standard deviation of one measurement in the metric's unit; null while it is unknown. */
  noiseSd: number | null;
  /** What the sampler leaves alone: measured, failed, pending or given up. */
  tried: Set<string>;
  turns: Turn[];
  /** Knobs of the menu that no candidate has changed yet. */
  untouched: string[];
  /** Training curves of the last iterations, by iteration, thinned to what a prompt can tell. */
  curves: Record<number, MetricPoint[]>;
  gate: GateContext;
}

/** @param standing `front` for the loop's own proposals; whoever else asks changes what candidates are compared with. */
export async function loadProposalContext(
  q: Queryable,
  run: RunRow,
  iterationId: string,
  standing: 'front' | 'comparator' = 'comparator',
): Promise<ProposalContext> {
  const menu: Menu = run.spec.menu ?? { knobs: {}, constraints: [] };
  const trajectory = await loadTrajectory(q, run);
  // Where screening has turned itself off, what it gave up counts as never tried.
  const rows = (await listTriedConfigs(q, run.id, iterationId)).filter(
    (row) => row.state !== 'screened_out' || run.screeningOff === null,
  );
  const groups = new Map<string, TriedGroup>();
  for (const row of rows) {
    const group = groups.get(row.configKey) ?? {
      config: row.config,
      values: [],
      failure: null,
      isPending: false,
      givenUp: null,
    };
    if (row.metric !== null) group.values.push(row.metric);
    else if (row.state === 'screened_out' || row.reason === 'stopped_early') group.givenUp = row;
    else if (row.state === 'failed') group.failure = row.reason;
    else group.isPending = true;
    groups.set(row.configKey, group);
  }
  const stops = rows.some((row) => row.reason === 'stopped_early')
    ? await listEarlyStops(q, run.id)
    : new Map<string, ExpectedEffect>();
  const comparator = comparatorOf(run);
  // Knobs are tuned on the code of the comparator: what other code measured says nothing exact about it.
  const sameCode = [...groups].filter(([key]) => codeKeyOf(key) === comparator.codeKey);
  const isGuarded = (run.spec.guard ?? []).length > 0;
  // As the front: what was measured on another box says nothing of a guard here.
  const compared = isGuarded ? whereMostMeasured(comparator.key, await listMeasurements(q, run.id)) : [];
  const readings = await guardReadingsByKey(q, run, compared, comparator.key);
  const trials = sameCode.map(([key, { config, values, failure, isPending, givenUp }]): Trial => {
    const guards = readings.get(key);
    if (values.length > 0)
      return { config, value: mean(values), n: values.length, state: 'complete', ...(guards && { guards }) };
    if (isPending) return { config, value: null, state: 'pending' };
    if (!givenUp) return { config, value: null, state: 'failed', failure: failure ?? 'unknown' };
    const curve = stops.get(givenUp.jobId ?? '');
    const expected = givenUp.screening
      ? expectedByScreening(givenUp.screening)
      : curve
        ? expectedByCurve(curve, run.spec.fidelity.earlyStop?.metric === run.spec.metric.name)
        : null;
    return givenUpTrial(config, run.spec.metric.goal, groups.get(givenUp.comparatorKey ?? '')?.values ?? [], expected);
  });
  const noiseSd = estimateNoise([...groups.values()].map((group) => group.values)).sd;
  const front: Front =
    standing === 'front'
      ? await frontOfRun(q, run, { menu, comparator, noiseSd })
      : { config: comparator.config, iteration: null };
  const values = groups.get(comparator.key)?.values ?? [];
  const tried = new Set(sameCode.map(([, { config }]) => configKey(config)));
  const keys = measuredKeys(rows);
  const measured = new Set(sameCode.flatMap(([key, { config }]) => (keys.has(key) ? [configKey(config)] : [])));
  return {
    trajectory,
    trials,
    comparator: { ...comparator, value: meanOf(values), n: values.length },
    front,
    noiseSd,
    tried,
    turns: turnsOf(trajectory, run),
    untouched: Object.keys(menu.knobs).filter(
      (knob) => !trajectory.records.some((record) => record.config !== null && record.proposal?.knob === knob),
    ),
    curves: await listRecentCurves(q, run.id, {
      metric: run.spec.metric.name,
      iterations: CURVES,
      points: CURVE_POINTS,
    }),
    gate: {
      menu,
      constraints: compileConstraints(menu),
      comparator: front.config,
      against: comparator.config,
      measured: (key) => measured.has(key),
      repeat: run.spec.policy.repeat,
    },
  };
}

// What each side of a hybrid has cost and gained so far, oldest first.
function turnsOf(trajectory: Trajectory, run: RunRow): Turn[] {
  const cheapShare = (run.spec.fidelity?.screen?.budgetMs ?? 0) / run.spec.job.budgetMs;
  const gains = gainsOf(trajectory);
  return trajectory.records.flatMap((record): Turn[] => {
    if (record.proposal?.knob === PATCH || (record.proposer !== 'model' && record.proposer !== 'sampler')) return [];
    const isLost =
      record.proposer === 'sampler' &&
      ((record.outweighed?.length ?? 0) > 0 || record.blocked.some(({ proposer }) => proposer === 'model'));
    // The model was asked and had nothing to measure: its turn is over, and was not free.
    const lost: Turn[] = isLost ? [{ proposer: 'model', gain: 0, measurements: 0 }] : [];
    const key = record.config ? configKey(record.config) : undefined;
    const measurements = record.outcome === 'screened_out' ? cheapShare : Math.max(1, record.values.length);
    return [...lost, { proposer: record.proposer, gain: gains.get(record.iteration) ?? 0, measurements, key }];
  });
}

// What was kept, by iteration: of a stack each change has what it added to the effect of what it stands on.
function gainsOf({ records }: Trajectory): Map<number, number> {
  const byNumber = new Map(records.map((record) => [record.iteration, record]));
  const gains = new Map<number, number>();
  for (const kept of records) {
    if (kept.outcome !== 'kept') continue;
    for (let record: typeof kept | undefined = kept; record;) {
      const below: typeof kept | undefined = record.standsOn ? byNumber.get(record.standsOn) : undefined;
      const under: typeof kept | undefined = below && below.outcome !== 'kept' ? below : undefined;
      const added = (record.decision?.effect ?? 0) - Math.max(0, under?.decision?.effect ?? 0);
      gains.set(record.iteration, (gains.get(record.iteration) ?? 0) + Math.max(0, added));
      record = under && under.iteration < record.iteration ? under : undefined;
    }
  }
  return gains;
}
