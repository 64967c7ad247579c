import { breaksGuard, configKey, type Trial } from '@nightshift/protocol';
import type { Turn } from './hybrid.js';

/** What the belief about a new model weighs, in trials. */
const PRIOR_TRIALS = 3;
/**
 * On a knob that was never changed the sampler's model knows nothing, and a stranger's guess costs no more than its own first step:
 * there a new model is believed to be better by this much. Elsewhere it is taken to know no more than the sampler.
 */
const NEW_KNOB = 0.5;
/**
 * A failure, what breaks a guard, and a candidate that was given up as worse count as a disappointment of this size, and no single
 * surprise counts for more than the limit.
 */
const FAILURE = 1.5;
const LIMIT = 3;
const LEAST = -1;
const MOST = 1.5;

/**
 * The model's track record, in predictive standard deviations: how much better than the sampler's model expected at the time its
 * proposals turned out, less the same figure for the sampler's own choices (which suffer from having been the most promising of
 * many). Both are drawn towards the prior, as the mean of a normal is under a conjugate one; 0 is a model that knows no more than
 * the sampler, and a bad one falls below. Turns without a key, and those that were never measured, do not count.
 */
export function modelAdvantage(
  surprises: ReadonlyMap<string, number>,
  trials: readonly Trial[],
  turns: readonly Turn[],
  isNewKnob = false,
): number {
  const failed = new Set(
    trials
      .filter((trial) => trial.state === 'failed' || trial.state === 'censored' || breaksGuard(trial))
      .map(({ config }) => configKey(config)),
  );
  const gained = { model: isNewKnob ? PRIOR_TRIALS * NEW_KNOB : 0, sampler: 0 };
  const weight = { model: PRIOR_TRIALS, sampler: PRIOR_TRIALS };
  for (const { proposer, key } of turns) {
    if (key === undefined) continue;
    const surprise = failed.has(key) ? FAILURE : surprises.get(key);
    if (surprise === undefined) continue;
    gained[proposer] -= Math.max(-LIMIT, Math.min(LIMIT, surprise));
    weight[proposer]++;
  }
  const advantage = gained.model / weight.model - gained.sampler / weight.sampler;
  return Math.max(LEAST, Math.min(MOST, advantage));
}
