import { configKey, type Config, type Goal, type KnobValue, type Trajectory } from '@nightshift/protocol';
import { sumOfSquares } from '../decision/noise.js';
import type { Keep } from './analysis.js';
import type { RecentEvaluated, RecentIteration } from './health.js';

/** Running mean and squared deviations of one group of replicates (Welford 1962), with its decisions. */
export interface LiveGroup {
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
  /** Short key of the baseline's configuration; null where the source does not name it. */
  baselineKey: string | null;
  baselineValue: number | null;
  counts: {
    iterations: number;
    evaluated: number;
    kept: number;
    reverted: number;
    inconclusive: number;
    blocked: number;
    failed: number;
    /** Left out in states from before screening. */
    screened_out?: number | undefined;
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
  /** Pairs that were both kept and reverted, with the order of their group. */
  flipped: { knob: string; value: KnobValue; order: number }[];
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
    squares.value = sumOfSquares(values);
    squares.degreesOfFreedom = values.length - 1;
  }
  return {
    version: 1,
    goal: of.metric.goal,
    knobs: of.menu === null ? null : Object.keys(of.menu.knobs),
    baselineConfig: { ...Object.fromEntries(defaults), ...of.baseline.config },
    baselineKey: of.baseline.config === null ? null : shortKey(configKey(of.baseline.config)),
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

/**
 * 64 bits: two multiplicative hashes side by side, the first FNV-1a. The whole key holds a configuration, and the state is written after
 * every iteration. Among a million configurations a collision is one chance in ten million, and would only pool two of them.
 */
export function shortKey(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let index = 0; index < text.length; index += 1) {
    low = Math.imul(low ^ text.charCodeAt(index), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(index), 0x85ebca6b);
  }
  return `${(low >>> 0).toString(36)}.${(high >>> 0).toString(36)}`;
}
