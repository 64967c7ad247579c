import type { Config, Goal, Screening, Trial } from '@nightshift/protocol';
import { MIN_SCREEN_PAIRS, SCREEN_LUCK } from '../decision/screen.js';
import { mean } from '../decision/noise.js';
import { studentUpperQuantile } from '../decision/student-t.js';

/** An effect over the comparator that the full budget was expected to show, and the standard deviation of that; fractions. */
export interface ExpectedEffect {
  effect: number;
  sd: number;
}

/**
 * A candidate that was given up while it trained, as the sampler hears of it: it runs, is worse than its comparator, and is expected
 * to be as much worse as it looked. Without that figure the surroundings of a hopeless candidate stay almost as promising as they were.
 * @param comparator the measurements of what it was compared with, at the full budget.
 */
export function givenUpTrial(
  config: Config,
  goal: Goal,
  comparator: readonly number[],
  expected: ExpectedEffect | null,
): Trial {
  if (comparator.length === 0) return { config, value: null, state: 'censored' };
  const value = mean(comparator);
  const size = Math.abs(value) || 1;
  if (expected === null) return { config, value, state: 'censored' };
  const worse = -Math.min(0, expected.effect) * size;
  return {
    config,
    value,
    state: 'censored',
    estimate: { value: goal === 'minimize' ? value + worse : value - worse, sd: expected.sd * size },
  };
}

/** What the cheap budget led to expect: the middle of the prediction interval, and the sd that its upper bound comes from. */
export function expectedByScreening(screening: Screening): ExpectedEffect | null {
  const { expected, luckiest, pairs } = screening;
  if (expected === null || luckiest === null || pairs < MIN_SCREEN_PAIRS) return null;
  return { effect: expected, sd: (luckiest - expected) / studentUpperQuantile(SCREEN_LUCK, pairs - 2) };
}

/** Of a curve of another metric than the run's nobody knows how its effects carry over: half the effect stands for that. */
export function expectedByCurve(expected: ExpectedEffect, isOfTheMetric: boolean): ExpectedEffect {
  return isOfTheMetric ? expected : { ...expected, sd: Math.max(expected.sd, Math.abs(expected.effect) / 2) };
}
