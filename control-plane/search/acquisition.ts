import type { Assessed } from './belief.js';
import type { Candidate } from './candidates.js';
import { expectedImprovement } from './normal.js';
import type { Space } from './space.js';
import type { Surrogate } from './surrogate.js';

/** A first step on a knob goes about this far along its range: far enough to show an effect, near enough not to fail. */
const FIRST_STEP = 0.25;
const FIRST_STEP_SD = 0.2;

/** How natural a change is for a knob that was never changed, 0 to 1: near a first step's length on an ordered axis. */
export function firstStepFit(space: Space, base: Float64Array, candidate: Candidate): number {
  if (space.axes[candidate.axis]?.isCategory) return 1;
  const length = Math.abs(candidate.position - (base[candidate.axis] as number));
  const off = (length - FIRST_STEP) / FIRST_STEP_SD;
  return Math.exp((-off * off) / 2);
}

/**
 * A decision keeps what is surely better: under a run-wide budget of false keeps it asks for two sds of one measurement and more. A
 * smaller improvement would be measured, reverted and lost, so that only what lies beyond counts. Never more than the prior sd of
 * the signal: further out all that differs is the tails, and the ends of every range would win.
 */
const KEEPABLE = 2;

/**
 * Augmented expected improvement (Huang and others 2006): expected improvement, discounted where one noisy measurement would add
 * little to what is known. Without the discount a change that is believed slightly better is measured again and again beside itself.
 */
function augmentedImprovement(surrogate: Surrogate, { mean, sd }: Assessed): number {
  const { noise } = surrogate;
  const target = surrogate.isNoiseKnown
    ? surrogate.target - Math.min(KEEPABLE * noise, surrogate.signalSd)
    : surrogate.target;
  return expectedImprovement(target, mean, sd) * (1 - noise / Math.hypot(noise, sd));
}

/** Below this chance to run a change comes after all others, however much it promises. */
const HOPELESS = 0.2;

/** A failure costs a measurement and teaches less than one, hence the square. */
function feasibilityWeight(feasible: number): number {
  return feasible * feasible * (feasible < HOPELESS ? 1e-6 : 1);
}

/** What a measurement of a change is worth: augmented improvement, weighed by its chance to run and its fit as a first step on a new knob. */
export function acquisition(
  space: Space,
  base: Float64Array,
  surrogate: Surrogate,
  item: Assessed,
  isTouched: boolean,
): number {
  const fit = isTouched ? 1 : firstStepFit(space, base, item);
  return (augmentedImprovement(surrogate, item) + 1e-12) * feasibilityWeight(item.feasible) * fit;
}
