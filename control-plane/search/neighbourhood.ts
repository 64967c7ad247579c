import type { KnobValue } from '@nightshift/protocol';
import type { Candidate } from './candidates.js';
import type { SuggestInput } from './sampler.js';
import type { Space } from './space.js';

const WIDEST = 0.02;
const NARROWEST = 0.002;
const SHRINKING = 0.2;

/** Widens the neighbourhood with the variance of the noise: fivefold where the noise is half the median effect. */
const WIDENING = 16;

/**
 * How near to a measured value, as a share of the knob's range (by logarithm where the menu says so), another one could not be
 * told from it. While the noise is small: 2% for the first 10 trials, 20% over their number afterwards, at least 0.2%; up to five
 * times that under loud noise. `noise` is one measurement's sd on the surrogate's scale, where 1 is about the median effect.
 */
export function neighbourhood(trials: number, noise = 0): number {
  const quiet = Math.max(NARROWEST, Math.min(WIDEST, SHRINKING / Math.max(1, trials)));
  return quiet * (1 + WIDENING * Math.min(0.5, noise) ** 2);
}

/** Tells changes that are too near to the base, or to a measured, failed or pending configuration that is otherwise the same. */
export function nearMeasured(space: Space, input: SuggestInput, noise = 0): (item: Candidate) => boolean {
  const size = neighbourhood(input.trials.length, noise);
  const taken = space.axes.map((axis): number[] =>
    axis.knob.range ? [axis.position(input.base[axis.name] as KnobValue)] : [],
  );
  for (const { config } of input.trials) {
    const moved = space.axes.flatMap((axis, i) => {
      const value = config[axis.name] ?? axis.knob.default;
      return value === input.base[axis.name] ? [] : [{ i, at: axis.position(value), isRange: axis.knob.range }];
    });
    const [only] = moved;
    if (moved.length === 1 && only?.isRange) taken[only.i]?.push(only.at);
  }
  return (item) => taken[item.axis]?.some((at) => Math.abs(at - item.position) < size) ?? false;
}
