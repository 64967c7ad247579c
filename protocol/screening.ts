/** What the cheap budget may say of a candidate. */
export const SCREENINGS = ['passed', 'screened_out', 'unknown'] as const;

/**
 * What the cheap budget said of a candidate. Effects are fractions of the comparator's mean at the same cheap budget; positive is
 * better. None of these figures is a measurement: nothing is decided, pooled or reported from them.
 */
export interface Screening {
  /** `unknown`: it gave no number there that says anything, and gets the full budget. */
  outcome: (typeof SCREENINGS)[number];
  value: number | null;
  comparatorMean: number | null;
  comparatorN: number;
  effect: number | null;
  /** An effect below this is worse than noise and the margin explain. */
  bar: number | null;
  /** The effect that the pairs so far lead to expect at the full budget, and the luckiest that is still allowed for. */
  expected: number | null;
  luckiest: number | null;
  /** Candidates measured at both budgets that this rests on. */
  pairs: number;
  /** What the candidate trained for the cheap budget, and what a full training would still have taken; null for what got that. */
  trainedSeconds: number;
  /** What its comparator trained for the cheap budget on its behalf; 0 when that was known already. */
  comparatorSeconds: number;
  savedSeconds: number | null;
  reason: string;
}
