import { falseKeepBudget, lookShare } from './budget.js';
import type { DecideInput } from './decide.js';
import type { Evidence } from './evidence.js';
import { studentTail, studentUpperQuantile } from './student-t.js';

/** Another measurement of the comparator must lower the bar for keeping to this part of it, or the comparator is settled. */
const SETTLED_RATIO = 0.92;
/** Beyond so many degrees of freedom of the noise the bar hardly moves: an end to measuring the comparator, whatever the budget. */
const SETTLED_DF = 12;

/**
 * A candidate at its last look need not wait for the comparator when it is clear already. A quarter of that look's budget is for
 * such early tests, in equal parts for 3 to 11 degrees of freedom: each is passed once at most, since every measurement adds one.
 */
const EARLY_PART = 0.25;
const EARLY_MIN_DF = 3;

/** How many measurements there are, or will be. */
export interface Counts {
  candidate: number;
  comparator: number;
  /** Measured degrees of freedom of the noise, the prior's not among them. */
  df: number;
}
export interface Bars {
  /**
   * How large an effect must be to be kept with such counts, at the noise that is known now. `isReady`: the comparator is
   * measured well enough for this look; before that only an overwhelming effect is kept.
   */
  at(counts: Counts, isReady: boolean): number;
  /**
   * The counts at the last look: all measurements of the candidate, and the comparator measured until one more would lower the
   * bar by less than 8%. From counts alone, never from what was measured, so that luck cannot steer when a look is taken.
   */
  lastLook(counts: Counts): Counts;
  /** Predictive probability that the effect is above the last look's bar, with a flat prior on the effect: rather too high than too low. */
  chance(effect: number, counts: Counts): number;
}

/** The bars for one candidate whose noise is known and not 0. `limit` is measurements of a candidate at most. */
export function makeBars(
  input: DecideInput,
  evidence: Evidence,
  noise: { sd: number; degreesOfFreedom: number },
  limit: number,
): Bars {
  const { minImprovement, confidence } = input.rule;
  const alpha = falseKeepBudget(1 - confidence, input.decisionsSoFar, input.plannedDecisions);
  const sd = noise.sd / evidence.scale;
  const priorDf = noise.degreesOfFreedom - evidence.decision.degreesOfFreedom;

  const spend = (counts: Counts, isReady: boolean): number => {
    const look = alpha * lookShare(counts.candidate, limit);
    if (counts.candidate < limit) return isReady ? look : 0;
    if (isReady) return look * (1 - EARLY_PART);
    const isEarly = counts.df >= EARLY_MIN_DF && counts.df < SETTLED_DF;
    return isEarly ? (look * EARLY_PART) / (SETTLED_DF - EARLY_MIN_DF) : 0;
  };
  const at = (counts: Counts, isReady: boolean): number => {
    const spent = spend(counts, isReady);
    if (spent === 0) return Infinity;
    const df = counts.df + priorDf;
    const error = sd * Math.sqrt(1 / counts.candidate + 1 / counts.comparator);
    const isBetter = studentUpperQuantile(spent, df) * error;
    const isWorthIt = minImprovement + studentUpperQuantile(1 - confidence, df) * error;
    return Math.max(isBetter, isWorthIt);
  };
  const lastLook = (counts: Counts): Counts => {
    const candidate = Math.max(limit, counts.candidate);
    let { comparator } = counts;
    let df = counts.df + candidate - counts.candidate;
    const spent = spend({ candidate, comparator, df }, true);
    const height = (n: number, degrees: number) =>
      studentUpperQuantile(spent, degrees) * Math.sqrt(1 / candidate + 1 / n);
    const canMeasure = input.canMeasureComparator ?? true;
    while (canMeasure && (df < SETTLED_DF || comparator < 2)) {
      if (height(comparator + 1, df + 1) > SETTLED_RATIO * height(comparator, df)) break;
      comparator += 1;
      df += 1;
    }
    return { candidate, comparator, df };
  };
  const chance = (effect: number, counts: Counts): number => {
    const last = lastLook(counts);
    const still = 1 / counts.candidate - 1 / last.candidate + 1 / counts.comparator - 1 / last.comparator;
    if (still <= 0) return 0;
    return studentTail((at(last, true) - effect) / (sd * Math.sqrt(still)), counts.df + priorDf);
  };
  return { at, lastLook, chance };
}
