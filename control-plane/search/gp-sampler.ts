import { firstStepFit } from './acquisition.js';
import { modelBelief, plainBelief } from './belief.js';
import { type Candidate, firstLegal, lastResort, singleKnobChanges } from './candidates.js';
import { mustTouchNewKnob, touchedKnobs } from './coverage.js';
import { change, figure, percent } from './describe.js';
import { learnFeasibility } from './feasibility.js';
import { nearMeasured } from './neighbourhood.js';
import { expectedImprovement, normalCdf } from './normal.js';
import { rankChanges, type Ranking, type Scored } from './ranking.js';
import type { Belief, Sampler, Suggestion, SuggestInput } from './sampler.js';
import { type Space, spaceOf } from './space.js';
import type { Surrogate } from './surrogate.js';

/**
 * A Gaussian process over all knobs, and the single change of the base that is worth most to measure (see acquisition.ts and
 * ranking.ts). The improvement is over the base's expected value, not over the luckiest measurement, so noise is not chased.
 */
export const gpSampler: Sampler = (input) => {
  const ranking = rankChanges(input);
  return ranking ? modelled(input, ranking) : firstSteps(input);
};

/** Before there are two measurements to compare: a moderate step on a knob that was not changed yet. */
function firstSteps(input: SuggestInput): Suggestion | null {
  const space = spaceOf(input.menu);
  const base = space.encode(input.base);
  const touched = touchedKnobs(space, input.base, input.trials);
  const feasibility = learnFeasibility(space, base, input.trials);
  const isNear = nearMeasured(space, input);
  const ordered = singleKnobChanges(space, input)
    .filter((item) => !isNear(item))
    .map((item) => ({
      ...item,
      score:
        (touched[item.axis] ? 0.1 : 1) *
        firstStepFit(space, base, item) *
        feasibility.probability(item.axis, item.position) *
        (0.5 + input.random.uniform()),
    }))
    .sort((a, b) => b.score - a.score);
  const belief = plainBelief(space, input);
  const chosen = firstLegal(input, ordered);
  if (!chosen) return leftOver(space, input, belief);
  const isNew = touched[chosen.axis] ? '' : ' that was never changed';
  const reason = `${change(chosen.knob, input.base[chosen.knob], chosen.value)}: too little is measured to model (${input.trials.length} trials), so a first step on a knob${isNew}.`;
  return { knob: chosen.knob, newValue: chosen.value, reason, belief };
}

function modelled(input: SuggestInput, ranking: Ranking): Suggestion | null {
  const { space, surrogate, feasibility, touched, scored } = ranking;
  const isTouched = (item: Candidate) => touched[item.axis] ?? true;
  const untouched = touched.filter((is) => !is).length;
  const isForced = mustTouchNewKnob(input.trials.length, untouched, space.axes.length);
  const ordered = isForced ? [...scored.filter((item) => !isTouched(item)), ...scored.filter(isTouched)] : scored;
  const belief = modelBelief(space, input, surrogate, feasibility, scored);
  const chosen = firstLegal(input, ordered);
  if (!chosen) return leftOver(space, input, belief);
  const reason = explain(input, surrogate, chosen, isTouched(chosen));
  return { knob: chosen.knob, newValue: chosen.value, reason, belief };
}

function explain(input: SuggestInput, surrogate: Surrogate, item: Scored, isTouched: boolean): string {
  const { toMetric, slope, base: now, count } = surrogate;
  const better = normalCdf((now.mean - item.mean) / item.sd);
  const gain = slope(now.mean) * expectedImprovement(now.mean, item.mean, item.sd);
  const parts = [
    `${change(item.knob, input.base[item.knob], item.value)}: from ${count} measurements expected ${figure(toMetric(item.mean))} (sd ${figure(slope(item.mean) * item.sd)}) against ${figure(toMetric(now.mean))} now`,
    `${percent(better)} likely better, expected improvement ${figure(gain)}`,
  ];
  const runs = item.feasible / Math.max(item.holds, 1e-12);
  if (runs < 0.99) parts.push(`runs with ${percent(runs)}`);
  if (item.holds < 0.99) parts.push(`holds the guards with ${percent(item.holds)}`);
  if (!isTouched) parts.push('never changed so far');
  return `${parts.join('; ')}.`;
}

function leftOver(space: Space, input: SuggestInput, belief: Belief): Suggestion | null {
  const last = lastResort(space, input);
  if (!last) return null;
  const reason = `${change(last.knob, input.base[last.knob], last.value)}: one of the last changes of the base that was not measured.`;
  return { knob: last.knob, newValue: last.value, reason, belief };
}
