import type { Config, Trial } from '@nightshift/protocol';
import type { SuggestInput } from './sampler.js';
import { type Space, spaceOf } from './space.js';

/** A knob counts as touched when some trial ran it at another value than the base or than another trial did. */
export function touchedKnobs(space: Space, base: Config, trials: readonly Trial[]): boolean[] {
  return space.axes.map((axis) => {
    const first = base[axis.name];
    return trials.some((trial) => (trial.config[axis.name] ?? axis.knob.default) !== first);
  });
}

/** For each knob, how many trials ran it at another value than the base has. */
export function triesOfKnobs(space: Space, base: Config, trials: readonly Trial[]): number[] {
  return space.axes.map(
    (axis) => trials.filter(({ config }) => (config[axis.name] ?? axis.knob.default) !== base[axis.name]).length,
  );
}

/** Every knob is touched by this many trials: 30 for a menu of 13. */
export function coverageDeadline(knobs: number): number {
  return Math.ceil((30 / 13) * knobs);
}

/** Touching new knobs may take this share of the turns that are left; the others stay free for what is worth most. */
const FORCED_SHARE = 0.5;

/** True when the turns left until the deadline are so few that the next suggestion must touch a new knob. */
export function mustTouchNewKnob(trials: number, untouched: number, knobs: number): boolean {
  return untouched > 0 && untouched >= (coverageDeadline(knobs) - trials) * FORCED_SHARE;
}

/** True when the next turn must touch a new knob: in a hybrid run it is the sampler's, whoever's turn it would be. */
export function isCoverageDue(input: Pick<SuggestInput, 'menu' | 'base' | 'trials'>): boolean {
  const touched = touchedKnobs(spaceOf(input.menu), input.base, input.trials);
  return mustTouchNewKnob(input.trials.length, touched.filter((is) => !is).length, touched.length);
}
