import type { KnobValue } from '@nightshift/protocol';
import { assess, type Assessed } from './belief.js';
import { isLegal } from './candidates.js';
import type { Turn } from './hybrid.js';
import { normalCdf } from './normal.js';
import { rankChanges } from './ranking.js';
import type { SuggestInput } from './sampler.js';
import { modelAdvantage } from './track-record.js';

/** What the sampler's model thinks of somebody else's change of the base. */
export interface Weighing {
  /** Expected metric and its sd, in metric units. */
  expected: number;
  sd: number;
  probabilityBetter: number;
  probabilityFeasible: number;
  /** The worth of measuring it against the worth of the best legal change known to the sampler: about 1 is as good. */
  promise: number;
}

/**
 * Judges a legal change before GPU time is spent on it; null while too little is measured to judge, or for a knob not on the menu.
 * With `turns` the model's track record counts (see track-record.ts): its proposal is taken to be better than the sampler's model
 * expects by as much as its earlier ones were.
 */
export function weighChange(
  input: SuggestInput,
  change: { knob: string; newValue: KnobValue },
  turns: readonly Turn[] = [],
): Weighing | null {
  const ranking = rankChanges(input);
  const index = ranking?.space.axes.findIndex((axis) => axis.name === change.knob) ?? -1;
  const axis = ranking?.space.axes[index];
  if (!ranking || !axis) return null;
  const { surrogate, feasibility, scored, worth } = ranking;
  const best = scored.find(({ knob, value }) => isLegal(input, knob, value));
  const proposed = { axis: index, knob: change.knob, value: change.newValue, position: axis.position(change.newValue) };
  const [mine] = assess([proposed], surrogate, feasibility) as [Assessed];
  const advantage = modelAdvantage(surrogate.surprises(), input.trials, turns, ranking.touched[index] === false);
  return {
    expected: surrogate.toMetric(mine.mean),
    sd: surrogate.slope(mine.mean) * mine.sd,
    probabilityBetter: normalCdf((surrogate.base.mean - mine.mean) / mine.sd),
    probabilityFeasible: mine.feasible,
    promise: best ? worth({ ...mine, mean: mine.mean - advantage * mine.sd }) / best.score : 1,
  };
}
