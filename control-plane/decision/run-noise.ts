import { noisePrior } from './evidence.js';
import { estimateNoise, mean, shrinkNoise } from './noise.js';

/**
 * The noise of one measurement in a whole run, in the metric's unit, and the noise as it may well be: with the variance of a t
 * distribution, σ̃²·(ν + 2)/ν, since few repeats can agree by luck. Null while nothing was measured twice.
 * @param groups all measurements by configuration.
 */
export function runNoise(groups: readonly (readonly number[])[]): { sd: number; cautiousSd: number } | null {
  const noise = estimateNoise(groups);
  const size = Math.abs(mean(groups.flat()));
  const prior = noisePrior();
  const working = shrinkNoise(noise, { ...prior, sd: prior.sd * size });
  const df = noise.degreesOfFreedom;
  return working && { sd: working.sd, cautiousSd: working.sd * Math.sqrt((df + 2) / df) };
}
