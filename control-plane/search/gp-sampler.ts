import type { KnobValue } from '@nightshift/protocol';
import { type Assessed, assess, modelBelief, plainBelief } from './belief.js';
import { type Candidate, firstLegal, lastResort, singleKnobChanges } from './candidates.js';
import { mustTouchNewKnob, touchedKnobs } from './coverage.js';
import { change, figure, percent } from './describe.js';
import { learnFeasibility } from './feasibility.js';
import { expectedImprovement, normalCdf } from './normal.js';
import type { Sampler, Suggestion, SuggestInput } from './sampler.js';
import { type Space, spaceOf } from './space.js';
import { fitSurrogate, type Surrogate } from './surrogate.js';

/** A first step on a knob goes about this far along its range: far enough to show an effect, near enough not to fail. */
const FIRST_STEP = 0.3;

interface Scored extends Assessed {
  score: number;
}

/** How natural a change is for a knob that was never changed: near a first step's length on an ordered axis. */
function firstStepFit(space: Space, base: Float64Array, candidate: Candidate): number {
  if (space.axes[candidate.axis]?.isCategory) return 1;
  const off = (Math.abs(candidate.position - (base[candidate.axis] as number)) - FIRST_STEP) / 0.2;
  return Math.exp((-off * off) / 2);
}

/**
 * A Gaussian process over all knobs, and the single change of the base with the largest expected improvement times its chance to run.
 * The improvement is over the base's expected value, not over the luckiest measurement, so noise is not chased.
 */
export const gpSampler: Sampler = (input) => {
  const space = spaceOf(input.menu);
  const base = space.encode(input.base);
  const touched = touchedKnobs(space, input.base, input.trials);
  const untouched = touched.filter((is) => !is).length;
  const candidates = singleKnobChanges(space, input);
  const feasibility = learnFeasibility(space, base, input.trials);
  const surrogate = fitSurrogate(space, input);
  const forced = mustTouchNewKnob(input.trials.length, untouched, space.axes.length);

  if (!surrogate) {
    const ordered = candidates
      .map((candidate) => ({
        ...candidate,
        score:
          (touched[candidate.axis] ? 0.1 : 1) *
          firstStepFit(space, base, candidate) *
          feasibility.probability(candidate.axis, candidate.position) *
          (0.5 + input.random.uniform()),
      }))
      .sort((a, b) => b.score - a.score);
    const chosen = firstLegal(input, ordered) ?? lastResort(space, input);
    return (
      chosen && {
        knob: chosen.knob,
        newValue: chosen.value,
        reason: `${change(chosen.knob, input.base[chosen.knob], chosen.value)}: too little is measured to model (${input.trials.length} trials), so a first step on a knob${touched[chosen.axis] ? '' : ' that was never changed'}.`,
        belief: plainBelief(space, input),
      }
    );
  }

  const assessed = assess(candidates, surrogate, feasibility);
  const scored: Scored[] = assessed.map((item) => ({
    ...item,
    score:
      (augmentedImprovement(surrogate, item) + 1e-12) *
      item.feasible *
      (touched[item.axis] ? 1 : firstStepFit(space, base, item)),
  }));
  scored.sort((a, b) => b.score - a.score);
  const preferred = forced
    ? [...scored.filter((item) => !touched[item.axis]), ...scored.filter((item) => touched[item.axis])]
    : scored;
  const belief = modelBelief(space, input, surrogate, feasibility, assessed);
  const chosen = firstLegal(input, preferred);
  if (!chosen) {
    const last = lastResort(space, input);
    return last && { knob: last.knob, newValue: last.value, reason: leftOver(input, last.knob, last.value), belief };
  }
  return { knob: chosen.knob, newValue: chosen.value, reason: explain(chosen), belief };

  function explain(item: Scored): string {
    const { toMetric, slope, base: now, count } = surrogate as NonNullable<typeof surrogate>;
    const better = normalCdf((now.mean - item.mean) / item.sd);
    const gain = slope(now.mean) * expectedImprovement(now.mean, item.mean, item.sd);
    const parts = [
      `${change(item.knob, input.base[item.knob], item.value)}: from ${count} measurements expected ${figure(toMetric(item.mean))} (sd ${figure(slope(item.mean) * item.sd)}) against ${figure(toMetric(now.mean))} now`,
      `${percent(better)} likely better, expected improvement ${figure(gain)}`,
    ];
    if (item.feasible < 0.99) parts.push(`runs with ${percent(item.feasible)}`);
    if (!touched[item.axis]) parts.push('never changed so far');
    return `${parts.join('; ')}.`;
  }
};

/**
 * Augmented expected improvement (Huang and others 2006): expected improvement, discounted where one noisy measurement would add
 * little to what is known. Without the discount a change that is believed slightly better is measured again and again beside itself.
 */
function augmentedImprovement(surrogate: Surrogate, { mean, sd }: Assessed): number {
  const noise = surrogate.noise;
  return expectedImprovement(surrogate.target, mean, sd) * (1 - noise / Math.hypot(noise, sd));
}

function leftOver(input: SuggestInput, knob: string, value: KnobValue): Suggestion['reason'] {
  return `${change(knob, input.base[knob], value)}: one of the last changes of the base that was not measured.`;
}
