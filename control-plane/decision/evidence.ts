import type { Decision } from '@nightshift/protocol';
import type { DecideInput } from './decide.js';
import {
  estimateNoise,
  isSame,
  mean,
  shrinkNoise,
  withoutWildGroups,
  type NoisePrior,
  type WorkingNoise,
} from './noise.js';
import { studentTail } from './student-t.js';

/** The figures of a decision before its outcome is known. */
export interface Evidence {
  effect: number;
  /** In the metric's unit; null while unknown. */
  noise: WorkingNoise | null;
  /** What effects are fractions of: the size of the comparator's mean, or 1 when that is 0. */
  scale: number;
  isRelative: boolean;
  minImprovement: number;
  decision: Omit<Decision, 'outcome' | 'reason'>;
}

/** The prior of the noise: half the smallest improvement that is asked for, 0.25% at most, worth two degrees of freedom. */
const PRIOR_DF = 2;
const PRIOR_SHARE = 0.5;
const PRIOR_MAX = 0.0025;

/** The prior belief about the noise of one measurement, as a fraction of the comparator. Formula and reasons: docs/decisions.md. */
export function noisePrior(minImprovement = Infinity): NoisePrior {
  return { sd: Math.min(PRIOR_MAX, PRIOR_SHARE * minImprovement), degreesOfFreedom: PRIOR_DF };
}

/**
 * Means, effect, noise, standard error and probability, from finite measurements. The standard error counts the comparator's
 * uncertainty: σ̃·√(1/n_candidate + 1/n_comparator) / |comparator's mean|.
 */
export function weigh(
  input: Pick<DecideInput, 'goal' | 'compare' | 'rule'>,
  candidate: readonly number[],
  comparator: readonly number[],
  groups: readonly (readonly number[])[],
): Evidence {
  const candidateMean = candidate.length ? mean(candidate) : null;
  const comparatorMean = comparator.length ? mean(comparator) : null;
  // Nothing is a fraction of 0: effects, minImprovement and the prior are then in the metric's own unit.
  const scale = Math.abs(comparatorMean ?? 0) || 1;
  const difference = candidateMean === null || comparatorMean === null ? 0 : comparatorMean - candidateMean;
  const effect = (input.goal === 'minimize' ? difference : -difference) / scale;
  const { minImprovement } = input.rule;
  const prior = noisePrior(minImprovement);
  // Both sides count even when a caller left them out of the groups: else a replicate could never make the noise known.
  const own = [candidate, comparator];
  const missing = own.filter((values) => !groups.some((group) => isSame(group, values)));
  const measured = estimateNoise(withoutWildGroups([...groups, ...missing], own));
  const noise = shrinkNoise(measured, { ...prior, sd: prior.sd * scale });
  const isMeasured = candidateMean !== null && comparatorMean !== null;
  const standardError =
    noise && isMeasured ? (noise.sd / scale) * Math.sqrt(1 / candidate.length + 1 / comparator.length) : null;
  return {
    effect,
    noise,
    scale,
    isRelative: comparatorMean !== 0,
    minImprovement,
    decision: {
      comparator: input.compare,
      comparatorMean,
      comparatorN: comparator.length,
      candidateMean,
      candidateN: candidate.length,
      effect: isMeasured ? effect : null,
      standardError,
      noiseSd: noise ? noise.sd / scale : null,
      degreesOfFreedom: measured.degreesOfFreedom,
      probability:
        noise === null || standardError === null ? null : exceeds(effect - minImprovement, standardError, noise),
    },
  };
}

function exceeds(excess: number, standardError: number, noise: WorkingNoise): number {
  if (standardError === 0) return excess > 0 ? 1 : 0;
  return studentTail(-excess / standardError, noise.degreesOfFreedom);
}
