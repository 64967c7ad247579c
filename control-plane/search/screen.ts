import type { KnobValue } from '@nightshift/protocol';
import { acquisition } from './acquisition.js';
import { assess, type Assessed } from './belief.js';
import { isLegal, singleKnobChanges } from './candidates.js';
import { touchedKnobs } from './coverage.js';
import { learnFeasibility } from './feasibility.js';
import { normalCdf } from './normal.js';
import type { SuggestInput } from './sampler.js';
import { spaceOf } from './space.js';
import { fitSurrogate } from './surrogate.js';

/** What the sampler's model thinks of somebody else's change of the base. */
export interface Screening {
  /** Expected metric and its sd, in metric units. */
  expected: number;
  sd: number;
  probabilityBetter: number;
  probabilityFeasible: number;
  /** The worth of measuring it against the worth of the best legal change known to the sampler: about 1 is as good. */
  promise: number;
}

/** Judges a legal change before GPU time is spent on it; null while too little is measured to judge, or for a knob not on the menu. */
export function screenChange(input: SuggestInput, change: { knob: string; newValue: KnobValue }): Screening | null {
  const space = spaceOf(input.menu);
  const index = space.axes.findIndex((axis) => axis.name === change.knob);
  const surrogate = fitSurrogate(space, input);
  const axis = space.axes[index];
  if (!surrogate || !axis) return null;
  const base = space.encode(input.base);
  const touched = touchedKnobs(space, input.base, input.trials);
  const feasibility = learnFeasibility(space, base, input.trials);
  const worth = (item: Assessed) => acquisition(space, base, surrogate, item, touched[item.axis] ?? true);

  const scored = assess(singleKnobChanges(space, input), surrogate, feasibility)
    .map((item) => ({ item, score: worth(item) }))
    .sort((a, b) => b.score - a.score);
  const best = scored.find(({ item }) => isLegal(input, item.knob, item.value));
  const proposed = { axis: index, knob: change.knob, value: change.newValue, position: axis.position(change.newValue) };
  const [mine] = assess([proposed], surrogate, feasibility) as [Assessed];
  return {
    expected: surrogate.toMetric(mine.mean),
    sd: surrogate.slope(mine.mean) * mine.sd,
    probabilityBetter: normalCdf((surrogate.base.mean - mine.mean) / mine.sd),
    probabilityFeasible: mine.feasible,
    promise: best ? worth(mine) / best.score : 1,
  };
}
