import type { Config, Menu } from './menu.js';
import type { Decision } from './decision.js';
import type { Screening } from './screening.js';
import type { EarlierSession } from './earlier.js';
import type { Measurement } from './measurement.js';
import type { BlockedTry, OutweighedTry, Proposal, ProposerKind } from './proposal.js';
import type { CandidateReason } from './states.js';

export type Goal = 'minimize' | 'maximize';

/** How an iteration ended, as every trajectory of ours and of the field can say it. */
export const ITERATION_OUTCOMES = ['kept', 'reverted', 'inconclusive', 'blocked', 'failed', 'screened_out'] as const;
export type IterationOutcome = (typeof ITERATION_OUTCOMES)[number];

/** One iteration as the pure rooms see it: what one learns from, and what one is judged by. */
export interface TrajectoryRecord {
  iteration: number;
  outcome: IterationOutcome;
  proposer: ProposerKind | null;
  proposal: Proposal | null;
  /** What was changed, in words, where it is not one knob and one value: code mode, and `results.tsv` of the field. */
  description?: string | undefined;
  /** The complete configuration that was run; null when nothing ran or the source does not say. */
  config: Config | null;
  /** The iteration whose configuration was changed, proven or not; null and left out: what the candidate was compared with. */
  standsOn?: number | null | undefined;
  /** Every measurement of this iteration, in order; their mean is `metric`. */
  values: number[];
  /** Further measurements of what was kept, made later as a comparator: true of it, and no part of what it was kept for. Left out without. */
  audits?: number[] | undefined;
  metric: number | null;
  failure: CandidateReason | string | null;
  /** The rail that blocked it, when outcome is `blocked`. */
  rail: string | null;
  blocked: BlockedTry[];
  /** The model's proposals that the sampler's took the turn from; left out where there are none. */
  outweighed?: OutweighedTry[] | undefined;
  decision: Decision | null;
  /** What the cheap budget said of it; left out where nothing was screened. */
  screening?: Screening | null | undefined;
  /** What the critic said of the proposal; left out where none was asked. Overruled: a veto that was measured all the same, to score it. */
  critique?: { veto: boolean; isOverruled: boolean } | null | undefined;
  wallSeconds: number | null;
  modelSeconds: number | null;
  energyWh: number | null;
}

export interface Trajectory {
  metric: { name: string; goal: Goal };
  menu: Menu | null;
  baseline: { config: Config | null; values: number[]; value: number | null };
  records: TrajectoryRecord[];
  /** The iteration whose configuration the run has come to; left out and null while nothing was kept, or where not known. */
  incumbent?: number | null;
  /** What was measured of the run's choice after its search, and of the baseline beside it. Left out and null without. */
  confirmation?: { iteration: number; values: number[]; baseline: number[] } | null;
  /** Why what the run chose could not be confirmed after its search; left out and null where it was, or was not to be. */
  unconfirmed?: { iteration: number; why: string } | null;
  /** Code mode: who took the numbers; left out and null where not known, and in menu mode. */
  measurement?: Measurement | null;
  /** The session that the run goes on from: told apart from what was measured here, and in none of its figures. */
  earlier?: EarlierSession | null;
  /** Why the run as a whole failed; left out and null where it did not. */
  failed?: string | null;
  /** Why cheap screening turned itself off; left out and null where it did not. */
  screeningOff?: string | null;
  /** Training for the cheap budget that the run has done, whatever came of it; left out and null where not known. */
  screeningSeconds?: number | null;
  /** Proposals that the critic has vetoed, overruled ones included; left out and null where there is no critic. */
  vetoes?: number | null;
  /** US dollars of all model calls, those between iterations included; left out and null where not known. */
  modelCostUsd?: number | null;
  warnings: string[];
}

/**
 * A configuration that was tried, as samplers see it. `value` is the mean of `n` measurements, null for a failure and while it is
 * pending. `censored`: it ran and was given up before its full budget was over, and `value` is what it is taken to be worse than.
 */
export interface Trial {
  config: Config;
  value: number | null;
  n?: number | undefined;
  state: 'complete' | 'failed' | 'pending' | 'censored';
  /** Of a censored trial: what its full measurement is expected to give, and the standard deviation of that; left out where nothing says. */
  estimate?: { value: number; sd: number } | undefined;
  failure?: CandidateReason | string | undefined;
  /** Of a complete trial: how it stands to each limit of the run's guards; left out where there are none, or nobody can tell. */
  guards?: readonly GuardReading[] | undefined;
}

/** One limit of a guard, and the mean of what a configuration reported of it: null where that is nothing finite, which breaks the guard. */
export interface GuardReading {
  name: string;
  bound: 'max' | 'min';
  limit: number;
  value: number | null;
}

/** True when a measured trial may never be kept, however good its metric. */
export function breaksGuard({ guards = [] }: Pick<Trial, 'guards'>): boolean {
  return guards.some((reading) => !holdsGuard(reading));
}

export function holdsGuard({ bound, limit, value }: GuardReading): boolean {
  return value !== null && (bound === 'max' ? value <= limit : value >= limit);
}
