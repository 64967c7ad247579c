import { acquisition } from './acquisition.js';
import { assess, type Assessed } from './belief.js';
import { singleKnobChanges } from './candidates.js';
import { touchedKnobs, triesOfKnobs } from './coverage.js';
import { type Feasibility, learnFeasibility } from './feasibility.js';
import { nearMeasured } from './neighbourhood.js';
import type { SuggestInput } from './sampler.js';
import { type Space, spaceOf } from './space.js';
import { fitSurrogate, type Surrogate } from './surrogate.js';

export type Scored = Assessed & { score: number };

/** The single-knob changes of the base that are worth a look, best first, and what they were judged with. */
export interface Ranking {
  space: Space;
  base: Float64Array;
  surrogate: Surrogate;
  feasibility: Feasibility;
  touched: boolean[];
  scored: Scored[];
  /** What a measurement of a change is worth. */
  worth(item: Assessed): number;
}

/** Noise (sd of a measurement on the surrogate's scale, where 1 is about the median effect) that hides nothing, and that hides most. */
const QUIET = 0.1;
const LOUD = 0.25;

/**
 * How much less a knob is worth for each change of it that was measured, while others were never changed: a half, and down to a
 * 64th under loud noise, where a second try on a knob mostly follows luck and a first one on another knob tells more.
 */
function patience(noise: number): number {
  const loudness = Math.max(0, Math.min(1, (noise - QUIET) / (LOUD - QUIET)));
  return 0.5 ** (1 + 5 * loudness);
}
const MOST_TRIES = 3;

/** Ranks the changes of the base; null with fewer than two measurements. */
export function rankChanges(input: SuggestInput): Ranking | null {
  const space = spaceOf(input.menu);
  const surrogate = fitSurrogate(space, input);
  if (!surrogate) return null;
  const base = space.encode(input.base);
  const feasibility = learnFeasibility(space, base, input.trials);
  const touched = touchedKnobs(space, input.base, input.trials);
  const tries = triesOfKnobs(space, input.base, input.trials);
  const factor = touched.includes(false) ? patience(surrogate.noise) : 1;
  const worth = (item: Assessed): number =>
    acquisition(space, base, surrogate, item, touched[item.axis] ?? true) *
    factor ** Math.min(MOST_TRIES, tries[item.axis] ?? 0);
  const isNear = nearMeasured(space, input, surrogate.noise);
  const changes = singleKnobChanges(space, input).filter((item) => !isNear(item));
  const scored = assess(changes, surrogate, feasibility)
    .map((item) => ({ ...item, score: worth(item) }))
    .sort((a, b) => b.score - a.score);
  return { space, base, surrogate, feasibility, touched, scored, worth };
}
