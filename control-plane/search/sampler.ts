import type { CompiledConstraints, Config, Goal, KnobValue, Menu, Trial } from '@nightshift/protocol';
import type { GuardRecord } from './feasibility.js';
import type { Random } from './random.js';

/** What is known about one knob, with the other knobs held at the base. Figures are in metric units unless said otherwise. */
export interface KnobBelief {
  knob: string;
  /** Distinct values measured, failed or pending, the base's own included. */
  tried: number;
  /** Share of the explained difference that this knob accounts for, 0 to 1; all knobs sum to 1. Null without a model. */
  importance: number | null;
  /** The value with the best expected metric, and how sure that is; null without a model. */
  best: { value: KnobValue; expected: number; sd: number; probabilityBetter: number } | null;
}

/** A sampler's state in a form that a prompt, a report or a JSON column can carry. */
export interface Belief {
  model: 'gaussian-process' | 'tpe' | 'none';
  trials: { complete: number; failed: number; pending: number; censored: number };
  /** The best measured value that holds the guards, and the base's expected one; null while nothing was measured. */
  bestMeasured: number | null;
  baseExpected: number | null;
  /** Sd of one measurement that the model works with; null when it has none. */
  noiseSd: number | null;
  /** Most important first. */
  knobs: KnobBelief[];
  feasibility: {
    failures: Record<string, number>;
    /** The limits of the run's guards, and how many measured configurations broke each; left out where there are none. */
    guards?: GuardRecord[];
    /** Single changes of the base that would probably fail, or break a guard (`probabilityHolds`), worst first, at most five. */
    risky: { knob: string; value: KnobValue; probabilityFeasible: number; probabilityHolds?: number }[];
  };
  /** The belief in a few short lines. */
  summary: string[];
}

/** One single-knob change relative to the base. */
export interface Suggestion {
  knob: string;
  newValue: KnobValue;
  reason: string;
  belief: Belief;
}

export interface SuggestInput {
  menu: Menu;
  constraints: CompiledConstraints;
  /** A suggestion changes exactly one knob of it: the front, the incumbent or the baseline. */
  base: Config;
  /** What a candidate is compared with, where that is not the base: an improvement is one over it. */
  comparator?: Config | undefined;
  /** All measured, failed and pending configurations; `value` is the mean of the metric. */
  trials: readonly Trial[];
  goal: Goal;
  random: Random;
  /** Sd of one measurement in metric units; left out, a model estimates it. */
  noiseSd?: number | null;
  /** Already measured or pending: never suggested. */
  exclude: (configKey: string) => boolean;
}

/** Null: no legal single-knob change is left that was not measured. */
export type Sampler = (input: SuggestInput) => Suggestion | null;
