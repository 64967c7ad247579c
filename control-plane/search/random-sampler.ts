import type { KnobValue } from '@nightshift/protocol';
import { plainBelief } from './belief.js';
import { firstLegal, lastResort } from './candidates.js';
import { change } from './describe.js';
import type { Sampler } from './sampler.js';
import { type Axis, spaceOf, valueAt } from './space.js';

/** The control: a knob at random, then a legal value of it at random. Learns nothing. */
export const randomSampler: Sampler = (input) => {
  const { random } = input;
  const space = spaceOf(input.menu);
  const draw = (axis: Axis): KnobValue =>
    axis.knob.range ? valueAt(axis, random.uniform()) : random.choice(axis.knob.choices ?? []);
  function* draws() {
    for (let i = 0; i < 20 * space.axes.length; i++) {
      const index = random.below(space.axes.length);
      const axis = space.axes[index] as Axis;
      const value = draw(axis);
      yield { axis: index, knob: axis.name, value, position: axis.position(value) };
    }
  }
  const chosen = firstLegal(input, draws()) ?? lastResort(space, input);
  return (
    chosen && {
      knob: chosen.knob,
      newValue: chosen.value,
      reason: `${change(chosen.knob, input.base[chosen.knob], chosen.value)}: drawn at random from the menu.`,
      belief: plainBelief(space, input),
    }
  );
};
