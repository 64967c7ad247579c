import type { Config, Trial } from '@nightshift/protocol';
import type { Space } from './space.js';

/** A knob counts as touched when some trial ran it at another value than the base or than another trial did. */
export function touchedKnobs(space: Space, base: Config, trials: readonly Trial[]): boolean[] {
  return space.axes.map((axis) => {
    const first = base[axis.name];
    return trials.some((trial) => (trial.config[axis.name] ?? axis.knob.default) !== first);
  });
}

/** Every knob is touched by this many trials: 30 for a menu of 13. */
export function coverageDeadline(knobs: number): number {
  return Math.ceil((30 / 13) * knobs);
}

/** A sampler may own as few as this share of the turns (a model has the others), and must still be in time. */
const LEAST_SHARE = 0.5;

/** True when the turns left until the deadline are so few that the next suggestion must touch a new knob. */
export function mustTouchNewKnob(trials: number, untouched: number, knobs: number): boolean {
  return untouched > 0 && untouched >= (coverageDeadline(knobs) - trials) * LEAST_SHARE;
}
