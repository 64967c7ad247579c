import {
  pairKey,
  type Config,
  type Goal,
  type KnobValue,
  type Trajectory,
  type TrajectoryRecord,
} from '@nightshift/protocol';
import type { Keep } from './analysis.js';
import {
  HEALTH_RULES,
  recentIterationOf,
  type HealthEvidence,
  type RecentEvaluated,
  type RecentIteration,
} from './health.js';
import {
  improvementOver,
  isBetter,
  isEvaluated,
  isNoop,
  isTried,
  measurementsOf,
  replicateKey,
  type EvaluatedRecord,
} from './measurements.js';
import { WINDOW } from './pairs.js';

/** Running mean and squared deviations of one group of replicates (Welford 1962), with its decisions. */
interface LiveGroup {
  knob: string;
  value: KnobValue;
  n: number;
  mean: number;
  squares: number;
  kept: number;
  reverted: number;
  /** Which group it was, from 0: flipped pairs are listed in the order of their first measurement. */
  order: number;
}

interface TopPair {
  knob: string;
  value: KnobValue;
  kept: number;
  order: number;
}

/**
 * The state behind the live figures: plain JSON, so that it is stored with the run and taken up again. Each iteration costs constant work;
 * the state itself grows with the number of distinct pairs only.
 */
export interface Live {
  version: 1;
  goal: Goal;
  knobs: string[] | null;
  /** The baseline's value of every knob it or the menu names. */
  baselineConfig: Config;
  baselineValue: number | null;
  counts: {
    iterations: number;
    evaluated: number;
    kept: number;
    reverted: number;
    inconclusive: number;
    blocked: number;
    failed: number;
  };
  /** Proposals that the rails stopped, and all that they saw. */
  tries: { blocked: number; all: number };
  proposals: Record<string, number>;
  /** Sum over knobs of n log2 n: what the entropy needs. */
  proposalsLogSum: number;
  proposalsTotal: number;
  touched: string[];
  wins: Record<string, number>;
  /** For the key of every pair that reached a box: how often it was kept, and as which pair it was kept first. */
  pairs: Record<string, { kept: number; order: number | null }>;
  keptPairs: number;
  unique: number;
  repeats: number;
  noops: number;
  windows: { first: number; last: number; n: number; repeats: number }[];
  keeps: { first: Keep | null; best: Keep | null; topPair: TopPair | null; count: number };
  plateau: { best: number | null; bestIteration: number | null; longest: number; current: number };
  groups: Record<string, LiveGroup>;
  groupCount: number;
  noise: { squares: number; degreesOfFreedom: number };
  /** Keys of groups that were both kept and reverted. */
  flipped: string[];
  cost: { wallSeconds: number | null; modelSeconds: number | null; modelCalls: number; energyWh: number | null };
  recentEvaluated: RecentEvaluated[];
  recentIterations: RecentIteration[];
  /** The one metric seen so far and the distinct changes that had it; null once two differ. */
  constant: { value: number; pairs: Record<string, true>; distinct: number } | null;
}

/** The state before the first iteration. The baseline must have been measured: its value is what improvements are fractions of. */
export function emptyLive(of: Pick<Trajectory, 'metric' | 'menu' | 'baseline'>): Live {
  const defaults = Object.entries(of.menu?.knobs ?? {}).map(([name, knob]) => [name, knob.default] as const);
  const squares = { value: 0, degreesOfFreedom: 0 };
  const values = of.baseline.values.filter(Number.isFinite);
  if (values.length > 1) {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    squares.value = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    squares.degreesOfFreedom = values.length - 1;
  }
  return {
    version: 1,
    goal: of.metric.goal,
    knobs: of.menu === null ? null : Object.keys(of.menu.knobs),
    baselineConfig: { ...Object.fromEntries(defaults), ...of.baseline.config },
    baselineValue: of.baseline.value,
    counts: { iterations: 0, evaluated: 0, kept: 0, reverted: 0, inconclusive: 0, blocked: 0, failed: 0 },
    tries: { blocked: 0, all: 0 },
    proposals: {},
    proposalsLogSum: 0,
    proposalsTotal: 0,
    touched: [],
    wins: {},
    pairs: {},
    keptPairs: 0,
    unique: 0,
    repeats: 0,
    noops: 0,
    windows: [],
    keeps: { first: null, best: null, topPair: null, count: 0 },
    plateau: { best: of.baseline.value, bestIteration: null, longest: 0, current: 0 },
    groups: {},
    groupCount: 0,
    noise: { squares: squares.value, degreesOfFreedom: squares.degreesOfFreedom },
    flipped: [],
    cost: { wallSeconds: null, modelSeconds: null, modelCalls: 0, energyWh: null },
    recentEvaluated: [],
    recentIterations: [],
    constant: null,
  };
}

/** Takes one more iteration in. The given state is changed and handed back, so that the work does not grow with the run. */
export function updateLive(live: Live, record: TrajectoryRecord): Live {
  live.counts.iterations += 1;
  live.counts[record.outcome] += 1;
  push(live.recentIterations, recentIterationOf(record), HEALTH_RULES.blindSpan);
  countTries(live, record);
  countCost(live, record);
  const isRepeat = countPair(live, record);
  if (isEvaluated(record)) {
    live.counts.evaluated += 1;
    countEvaluated(live, record, isRepeat);
    countReplicates(live, record);
  }
  return live;
}

function countTries(live: Live, record: TrajectoryRecord): void {
  // A source that lists no blocked tries still blocked at least the one that ended the iteration.
  const blocked = Math.max(record.blocked.length, record.outcome === 'blocked' ? 1 : 0);
  live.tries.blocked += blocked;
  live.tries.all += blocked + (record.outcome === 'blocked' || record.proposal === null ? 0 : 1);
}

function countCost(live: Live, record: TrajectoryRecord): void {
  const { cost } = live;
  if (record.wallSeconds !== null && Number.isFinite(record.wallSeconds))
    cost.wallSeconds = (cost.wallSeconds ?? 0) + record.wallSeconds;
  if (record.energyWh !== null && Number.isFinite(record.energyWh))
    cost.energyWh = (cost.energyWh ?? 0) + record.energyWh;
  if (record.modelSeconds !== null && Number.isFinite(record.modelSeconds)) {
    cost.modelSeconds = (cost.modelSeconds ?? 0) + record.modelSeconds;
    cost.modelCalls += 1;
  }
}

/** Counts the proposal, and says whether its pair had reached a box before. */
function countPair(live: Live, record: TrajectoryRecord): boolean {
  if (record.proposal === null) return false;
  const { knob, newValue } = record.proposal;
  const before = countOf(live.proposals, knob);
  live.proposals[knob] = before + 1;
  live.proposalsTotal += 1;
  live.proposalsLogSum += nLogN(before + 1) - nLogN(before);
  if (!isTried(record)) return false;
  const isOnMenu = live.knobs === null || live.knobs.includes(knob);
  if (isOnMenu && !live.touched.includes(knob)) live.touched.push(knob);
  const key = pairKey(knob, newValue);
  const isRepeat = Object.hasOwn(live.pairs, key);
  if (!isRepeat) live.unique += 1;
  const pair = isRepeat ? (live.pairs[key] as Live['pairs'][string]) : { kept: 0, order: null };
  live.pairs[key] = pair;
  if (record.outcome !== 'kept') return isRepeat;
  pair.kept += 1;
  pair.order ??= live.keptPairs++;
  live.wins[knob] = countOf(live.wins, knob) + 1;
  const top = live.keeps.topPair;
  if (top === null || pair.kept > top.kept || (pair.kept === top.kept && pair.order < top.order))
    live.keeps.topPair = { knob, value: newValue, kept: pair.kept, order: pair.order };
  return isRepeat;
}

function countEvaluated(live: Live, record: EvaluatedRecord, isRepeat: boolean): void {
  const isNoopHere =
    record.proposal !== null && isNoop({ menu: null, baseline: { config: live.baselineConfig } }, record.proposal);
  if (isRepeat) live.repeats += 1;
  if (isNoopHere) live.noops += 1;
  const window = live.windows[live.windows.length - 1];
  if (window === undefined || window.n === WINDOW)
    live.windows.push({ first: record.iteration, last: record.iteration, n: 1, repeats: isRepeat ? 1 : 0 });
  else {
    window.last = record.iteration;
    window.n += 1;
    if (isRepeat) window.repeats += 1;
  }
  push(
    live.recentEvaluated,
    {
      iteration: record.iteration,
      knob: record.proposal?.knob ?? null,
      isRepeat: isRepeat && record.proposer !== 'playbook',
      isNoop: isNoopHere,
    },
    HEALTH_RULES.repeatSpan,
  );
  if (record.outcome === 'kept') {
    const keep: Keep = {
      iteration: record.iteration,
      knob: record.proposal?.knob ?? null,
      value: record.proposal?.newValue ?? null,
      metric: record.metric,
    };
    live.keeps.count += 1;
    live.keeps.first ??= keep;
    if (live.keeps.best === null || isBetter(live.goal, record.metric, live.keeps.best.metric)) live.keeps.best = keep;
  }
  const { plateau } = live;
  if (plateau.best === null || isBetter(live.goal, record.metric, plateau.best)) {
    live.plateau = {
      best: record.metric,
      bestIteration: record.iteration,
      longest: Math.max(plateau.longest, plateau.current),
      current: 0,
    };
  } else plateau.current += 1;
  countConstant(live, record, isNoopHere);
}

function countConstant(live: Live, record: EvaluatedRecord, isNoopHere: boolean): void {
  if (live.counts.evaluated === 1) live.constant = { value: record.metric, pairs: {}, distinct: 0 };
  if (live.constant === null) return;
  if (live.constant.value !== record.metric) {
    live.constant = null;
    return;
  }
  if (record.proposal === null || isNoopHere) return;
  const key = pairKey(record.proposal.knob, record.proposal.newValue);
  if (Object.hasOwn(live.constant.pairs, key)) return;
  live.constant.pairs[key] = true;
  live.constant.distinct += 1;
}

function countReplicates(live: Live, record: EvaluatedRecord): void {
  if (record.proposal === null) return;
  const key = replicateKey(record.proposal, record);
  const group: LiveGroup = Object.hasOwn(live.groups, key)
    ? (live.groups[key] as LiveGroup)
    : {
        knob: record.proposal.knob,
        value: record.proposal.newValue,
        n: 0,
        mean: 0,
        squares: 0,
        kept: 0,
        reverted: 0,
        order: live.groupCount++,
      };
  for (const value of measurementsOf(record)) {
    group.n += 1;
    const delta = value - group.mean;
    group.mean += delta / group.n;
    const added = delta * (value - group.mean);
    group.squares += added;
    if (group.n > 1) {
      live.noise.squares += added;
      live.noise.degreesOfFreedom += 1;
    }
  }
  const wasFlipped = group.kept > 0 && group.reverted > 0;
  if (record.outcome === 'kept') group.kept += 1;
  if (record.outcome === 'reverted') group.reverted += 1;
  if (!wasFlipped && group.kept > 0 && group.reverted > 0) live.flipped.push(key);
  live.groups[key] = group;
}

/** The evidence for `judgeHealth`, from the state alone. */
export function liveEvidence(live: Live): HealthEvidence {
  const { topPair } = live.keeps;
  return {
    iterations: live.counts.iterations,
    evaluated: live.counts.evaluated,
    recentEvaluated: live.recentEvaluated,
    recentIterations: live.recentIterations,
    currentPlateau: live.counts.evaluated === 0 ? null : live.plateau.current,
    bestIteration: live.plateau.bestIteration,
    knobs: {
      total: live.knobs?.length ?? null,
      untouched: live.knobs?.filter((name) => !live.touched.includes(name)) ?? null,
    },
    flipped: live.flipped
      .map((key) => live.groups[key] as LiveGroup)
      .sort((a, b) => a.order - b.order)
      .map(({ knob, value }) => ({ knob, value })),
    keeps: {
      count: live.keeps.count,
      topPairShare: topPair === null || live.keeps.count === 0 ? null : topPair.kept / live.keeps.count,
      top: topPair === null ? null : { knob: topPair.knob, value: topPair.value },
    },
    constantMetric: live.constant === null ? null : { value: live.constant.value, pairs: live.constant.distinct },
  };
}

/** Improvement of the best keep over the baseline; null while there is none. */
export function liveImprovement(live: Live): number | null {
  return live.keeps.best === null ? null : improvementOver(live.goal, live.baselineValue, live.keeps.best.metric);
}

function push<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}

/** A count kept in a plain object; a key such as `constructor` must not find what objects inherit. */
function countOf(counts: Record<string, number>, key: string): number {
  return Object.hasOwn(counts, key) ? (counts[key] as number) : 0;
}

function nLogN(n: number): number {
  return n <= 1 ? 0 : n * Math.log2(n);
}
