/** What the rule is told; it is stored with the decision. */
export interface SimplicityInput {
  /** The candidate's gain as a fraction of the comparator: positive is better, whatever the goal. */
  effect: number;
  /** Of the effect, in the same unit; 0 when unknown. */
  standardError: number;
  added: number;
  removed: number;
  /** Branches after minus branches before. */
  complexityDelta: number;
  /** The gain that one more line of code has to bring, as a fraction of the comparator. 0 turns the rule off. */
  weight: number;
}
export interface SimplicityVerdict {
  /**
   * `simpler-kept`: not distinguishable from the comparator, and less code, so it is kept. `too-much-code`: the gain is less than the
   * code costs, so it is not kept. `no-change`: what the measurement says stands.
   */
  outcome: 'simpler-kept' | 'too-much-code' | 'no-change';
  /** Lines of growth that the patch counts as, and the gain that they have to bring. */
  growth: number;
  price: number;
  inputs: SimplicityInput;
}

/** A branch is harder to read than a line; five lines is about what McCabe's limit of 10 branches to a 50-line function comes to. */
export const LINES_PER_BRANCH = 5;

/**
 * Weighs a measured effect against the code that it costs.
 *
 * growth = added - removed + 5 x complexityDelta, price = weight x growth.
 * Equal (the effect is within one standard error of zero, or zero) and growth below 0: kept for being simpler.
 * Better (the effect is above zero) and below its price: too much code. All else is left to the measurement.
 */
export function weighSimplicity(inputs: SimplicityInput): SimplicityVerdict {
  const { effect, standardError, added, removed, complexityDelta, weight } = inputs;
  const growth = added - removed + LINES_PER_BRANCH * complexityDelta;
  const price = weight * growth;
  const isKnown = [effect, standardError, growth, price].every(Number.isFinite) && weight > 0 && standardError >= 0;
  const isEqual = Math.abs(effect) <= standardError;
  let outcome: SimplicityVerdict['outcome'] = 'no-change';
  if (isKnown && isEqual && growth < 0) outcome = 'simpler-kept';
  else if (isKnown && effect > 0 && growth > 0 && effect < price) outcome = 'too-much-code';
  return { outcome, growth, price, inputs };
}
