import type { Goal, Screening } from '@nightshift/protocol';
import { noisePrior, weigh } from './evidence.js';
import { mean, sumOfSquares } from './noise.js';
import { studentUpperQuantile } from './student-t.js';

/** Effects of one candidate over its comparator of then, at the cheap and at the full budget. */
export interface ScreenPair {
  cheap: number;
  full: number;
}
export interface ScreenInput {
  goal: Goal;
  minImprovement: number;
  /** How much worse than its comparator a candidate may be at the cheap budget, as a fraction, beyond what noise explains. */
  margin: number;
  /** Candidates that are measured at both budgets before one may be screened out. */
  after: number;
  /** Measurements at the cheap budget that may be compared: the candidate's, its comparator's, and those of all configurations. */
  candidate: readonly number[];
  comparator: readonly number[];
  groups: readonly (readonly number[])[];
  pairs: readonly ScreenPair[];
  /** False when the comparator gives no number at the cheap budget. */
  canMeasureComparator: boolean;
}
export type ScreenRuling =
  | { kind: 'measure'; why: string }
  | { kind: 'screened'; screening: Omit<Screening, 'trainedSeconds' | 'comparatorSeconds' | 'savedSeconds'> };

/** A candidate as good as its comparator at the cheap budget looks worse than that with about this probability. */
const FALSE_WORSE = 0.01;
/** How lucky the full budget may still turn out for what is screened out, as a probability. */
export const SCREEN_LUCK = 0.01;
/** Fewer pairs say nothing of how far the two budgets differ. */
export const MIN_SCREEN_PAIRS = 5;
/** Measurements of the comparator at the cheap budget: each further one costs as much as a screening. */
const MAX_COMPARATOR = 3;

/**
 * Says whether a candidate that was trained for the cheap budget gets the full one. It is screened out when
 * 1. it is worse than its comparator at the same cheap budget by more than the margin and noise: e < −(margin + t₀.₉₉ · SE); and
 * 2. it could hardly be better at the full budget: the upper bound of the prediction interval of its full effect, from a straight
 *    line through the pairs (full effect on cheap effect), lies below 0. Screening chooses by the cheap effect alone, and a regression
 *    on what was chosen by stays unbiased; a correlation, or a mean of differences, would not.
 */
export function screen(input: ScreenInput): ScreenRuling {
  const { candidate, comparator, pairs } = input;
  if (comparator.length === 0 && input.canMeasureComparator)
    return { kind: 'measure', why: 'what it is compared with was not trained for the cheap budget yet' };
  if (comparator.length === 0)
    return unknown(candidate, pairs.length, 'what it is compared with gives no number at the cheap budget');
  const rule = { minImprovement: input.minImprovement, confidence: 0.9, maxReplicates: MAX_COMPARATOR };
  const { effect, noise, scale } = weigh(
    { goal: input.goal, compare: 'incumbent', rule },
    candidate,
    comparator,
    input.groups,
  );
  const prior = noisePrior(input.minImprovement);
  const sd = noise ? noise.sd / scale : prior.sd;
  const df = noise ? noise.degreesOfFreedom : prior.degreesOfFreedom;
  const barWith = (n: number, freedom: number) =>
    -(input.margin + studentUpperQuantile(FALSE_WORSE, freedom) * sd * Math.sqrt(1 / candidate.length + 1 / n));
  const bar = barWith(comparator.length, df);
  const prediction = predictFull(pairs, effect);
  const figures = {
    value: mean(candidate),
    comparatorMean: mean(comparator),
    comparatorN: comparator.length,
    effect,
    bar,
    expected: prediction?.expected ?? null,
    luckiest: prediction?.luckiest ?? null,
    pairs: pairs.length,
  };
  const passed = (reason: string): ScreenRuling => ({
    kind: 'screened',
    screening: { outcome: 'passed', ...figures, reason },
  });
  if (pairs.length < Math.max(input.after, MIN_SCREEN_PAIRS) || prediction === null)
    return passed(`${pairs.length} candidates are known at both budgets: too few to screen one out.`);
  const at = `${percent(effect)} ${effect < 0 ? 'worse' : 'better'} than its comparator at the cheap budget`;
  if (prediction.luckiest >= 0)
    return passed(`${at}: by ${pairs.length} candidates known at both budgets it may still be better at the full one.`);
  if (effect >= bar) {
    // Only when it can change the answer: with all measurements that are allowed it would be worse beyond noise.
    const missing = MAX_COMPARATOR - comparator.length;
    if (missing > 0 && input.canMeasureComparator && effect < barWith(MAX_COMPARATOR, df + missing))
      return { kind: 'measure', why: `${at}: another measurement of the comparator there can tell it from noise` };
    return passed(`${at}: within ${percent(bar)} of noise and margin.`);
  }
  const reason =
    `${at}, beyond noise and margin (${percent(bar)}); by ${pairs.length} candidates known at both budgets ` +
    `${percent(prediction.expected)} ${prediction.expected < 0 ? 'worse' : 'better'} is expected at the full one, and ` +
    `${percent(prediction.luckiest)} worse even with the luck of ${1 / SCREEN_LUCK} to 1.`;
  return { kind: 'screened', screening: { outcome: 'screened_out', ...figures, reason } };
}

function unknown(candidate: readonly number[], pairs: number, reason: string): ScreenRuling {
  return {
    kind: 'screened',
    screening: {
      outcome: 'unknown',
      value: candidate.length > 0 ? mean(candidate) : null,
      comparatorMean: null,
      comparatorN: 0,
      effect: null,
      bar: null,
      expected: null,
      luckiest: null,
      pairs,
      reason: `${reason}.`,
    },
  };
}

// A candidate that diverged must not turn the line: far effects are drawn in, near ones stay.
const drawnIn = (effect: number) => Math.sign(effect) * Math.log1p(Math.abs(effect));
const back = (drawn: number) => Math.sign(drawn) * Math.expm1(Math.abs(drawn));

/**
 * The full effect that a cheap one leads to expect, by least squares, and the upper bound of its prediction interval:
 * ŷ + t · s · √(1 + 1/m + (x − x̄)² / Sxx) with m − 2 degrees of freedom. Null while the pairs say nothing.
 */
export function predictFull(
  pairs: readonly ScreenPair[],
  cheap: number,
): { expected: number; luckiest: number } | null {
  const m = pairs.length;
  if (m < 3) return null;
  const x = pairs.map((pair) => drawnIn(pair.cheap));
  const y = pairs.map((pair) => drawnIn(pair.full));
  const spread = sumOfSquares(x);
  if (spread === 0) return null;
  const [middle, height] = [mean(x), mean(y)];
  let slope = 0;
  for (let i = 0; i < m; i++) slope += (((x[i] as number) - middle) * ((y[i] as number) - height)) / spread;
  let squares = 0;
  for (let i = 0; i < m; i++) squares += ((y[i] as number) - height - slope * ((x[i] as number) - middle)) ** 2;
  const from = drawnIn(cheap) - middle;
  const sd = Math.sqrt((squares / (m - 2)) * (1 + 1 / m + from ** 2 / spread));
  const expected = height + slope * from;
  return { expected: back(expected), luckiest: back(expected + studentUpperQuantile(SCREEN_LUCK, m - 2) * sd) };
}

function percent(effect: number): string {
  return `${Number((100 * Math.abs(effect)).toPrecision(3))}%`;
}
