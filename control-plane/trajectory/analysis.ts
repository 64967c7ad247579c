import type { Config, EarlierFigures, KnobValue, Measurement } from '@nightshift/protocol';
import type { Health } from './health.js';
import type { ScreeningFigures } from './screening-figures.js';

/** A pair as reports name it; both null when the source does not say what was changed. */
export interface PairName {
  knob: string | null;
  value: KnobValue | null;
}
export interface Keep extends PairName {
  iteration: number;
  metric: number;
}

/**
 * What `nightshift analyze --json` prints. Unknown figures are null, never 0. Fractions are of 1; `improvement` and `headline` are fractions
 * of the comparator and positive when better; seconds and watt-hours carry their unit in the name.
 */
export interface Analysis {
  iterations: number;
  evaluated: number;
  kept: number;
  reverted: number;
  inconclusive: number;
  blocked: number;
  failed: number;
  /** Given up at the cheap budget (`fidelity.screen`): neither measured nor failed. */
  screenedOut: number;
  baseline: { value: number | null; n: number };
  knobs: {
    total: number | null;
    touched: number | null;
    coverage: number | null;
    untouched: string[] | null;
    proposals: Record<string, number> | null;
  };
  pairs: {
    unique: number | null;
    repeats: number | null;
    repeatRate: number | null;
    noops: number | null;
    windows: { first: number; last: number; repeatRate: number }[] | null;
    top: { knob: string; value: KnobValue; proposed: number; kept: number }[] | null;
  };
  keeps: {
    count: number;
    first: Keep | null;
    best: (Keep & { improvement: number | null }) | null;
    byPair: { knob: string; value: KnobValue; kept: number }[];
    topPairShare: number | null;
  };
  plateau: { longest: number | null; current: number | null };
  noise: {
    sd: number | null;
    degreesOfFreedom: number;
    relative: number | null;
    flipped: { knob: string; value: KnobValue; kept: number; reverted: number }[];
  };
  replicated: {
    knob: string;
    value: KnobValue;
    n: number;
    mean: number;
    standardError: number | null;
    improvement: number | null;
    headline: number | null;
    /** The iteration that the change was made to, 0 for the baseline; null for a change of the baseline as such and where not known. */
    standsOn: number | null;
    /** What was run, complete; null where the source does not say. */
    config: Config | null;
    /** Guards that reverted it: a number that the run may not claim. */
    guards: string[];
  } | null;
  /** What would have been kept by its metric alone, by the guard that reverted it. */
  guards: { guard: string; iterations: number[] }[];
  /** The incumbent by measurements made after the search was over; null where there are none. */
  confirmed: {
    iteration: number;
    n: number;
    mean: number;
    standardError: number | null;
    /** The baseline's measurements that it is set against. */
    baseline: { value: number | null; n: number };
    improvement: number | null;
  } | null;
  /** How often the critic spoke, and how right it was as far as measured; null without one. */
  critic: {
    vetoes: number;
    /** Vetoes that were measured all the same, and how many of those were kept: what following them would have lost. */
    overruled: number;
    overruledKept: number;
    passed: number;
    passedKept: number;
  } | null;
  cost: {
    wallSeconds: number | null;
    secondsPerIteration: number | null;
    modelSecondsPerCall: number | null;
    modelUsd: number | null;
    energyWh: number | null;
  };
  health: Health;
  /** Code mode: who took the numbers; null in menu mode and where the source does not say. */
  measurement: Measurement | null;
  /** What the session that the run goes on from tells; none of it is in the figures above. */
  earlier: EarlierFigures | null;
  /** Cheap screening before the full budget; null in runs that never screened. */
  screening: ScreeningFigures | null;
  warnings: string[];
}
