import { breaksGuard, type Trial } from '@nightshift/protocol';
import { plainBelief } from './belief.js';
import { type Candidate, firstLegal, lastResort, singleKnobChanges } from './candidates.js';
import { mustTouchNewKnob, touchedKnobs } from './coverage.js';
import { change, figure } from './describe.js';
import { normalCdf, normalDensity } from './normal.js';
import type { Sampler } from './sampler.js';
import { type Axis, type Space, spaceOf } from './space.js';
import { signOf } from './surrogate.js';

/** Measurements before the estimator speaks; until then knobs are tried in turn. */
const STARTUP = 6;
const PRIOR_WEIGHT = 1;
/** Newest observations with full weight; older ones fade linearly (Bergstra and others 2013). */
const FULL_WEIGHT = 25;

/** A mixture with one component an observation, a product over the knobs, and one flat component as the prior. */
interface Parzen {
  rows: Float64Array[];
  weights: number[];
  widths: Float64Array;
}

/** Bandwidth by Scott's rule on the axis's spread, with the floor that keeps a few equal values from becoming a spike. */
function widthsOf(space: Space, rows: Float64Array[]): Float64Array {
  const n = Math.max(rows.length, 1);
  return Float64Array.from(space.axes, (_, k) => {
    const mean = rows.reduce((sum, row) => sum + (row[k] as number), 0) / n;
    const sd = Math.sqrt(rows.reduce((sum, row) => sum + ((row[k] as number) - mean) ** 2, 0) / n);
    return Math.max(0.06, 1.06 * Math.max(sd, 0.1) * n ** -0.2);
  });
}

function parzen(space: Space, rows: Float64Array[]): Parzen {
  const n = rows.length;
  const weights = rows.map((_, i) => {
    const old = n - FULL_WEIGHT - i;
    return old > 0 ? Math.max(1 / n, 1 - old / Math.max(1, n - FULL_WEIGHT + 1)) : 1;
  });
  const total = weights.reduce((sum, weight) => sum + weight, PRIOR_WEIGHT);
  return { rows, weights: weights.map((weight) => weight / total), widths: widthsOf(space, rows) };
}

/** Density of one coordinate under the component around `centre`: a normal cut off at 0 and 1, or mostly the same category. */
function coordinateDensity(axis: Axis, value: number, centre: number, width: number, count: number): number {
  if (axis.isCategory) {
    const choices = axis.knob.choices?.length ?? 1;
    const spread = choices / (count + choices);
    return (value === centre ? 1 - spread : 0) + spread / choices;
  }
  const mass = normalCdf((1 - centre) / width) - normalCdf(-centre / width);
  return normalDensity((value - centre) / width) / (width * mass);
}

/** Log density of the base with one coordinate replaced, for every candidate; the unchanged coordinates are computed once. */
function logDensities(space: Space, model: Parzen, base: Float64Array, candidates: readonly Candidate[]): number[] {
  const n = model.rows.length;
  const parts = model.rows.map((row) =>
    space.axes.map((axis, k) =>
      coordinateDensity(axis, base[k] as number, row[k] as number, model.widths[k] as number, n),
    ),
  );
  const products = parts.map((row) => row.reduce((product, part) => product * part, 1));
  const uniform = (axis: Axis) => (axis.isCategory ? 1 / (axis.knob.choices?.length ?? 1) : 1);
  const flat = space.axes.reduce((product, axis) => product * uniform(axis), 1);
  const prior = PRIOR_WEIGHT / (PRIOR_WEIGHT + (n > 0 ? model.weights.length : 0));
  return candidates.map((candidate) => {
    const axis = space.axes[candidate.axis] as Axis;
    let density = prior * flat;
    for (let i = 0; i < n; i++) {
      const row = model.rows[i] as Float64Array;
      const width = model.widths[candidate.axis] as number;
      const fresh = coordinateDensity(axis, candidate.position, row[candidate.axis] as number, width, n);
      const old = (parts[i] as number[])[candidate.axis] as number;
      density += ((model.weights[i] as number) * (products[i] as number) * fresh) / Math.max(old, 1e-300);
    }
    return Math.log(density);
  });
}

/** The better part, as many as Optuna and hyperopt take: a tenth at first, never above 25. Failures, pending ones and what broke a guard are never in it. */
function split(trials: readonly Trial[], sign: number) {
  const measured = trials.filter((trial) => trial.state === 'complete' && trial.value !== null && !breaksGuard(trial));
  const count = Math.min(25, Math.ceil(0.1 * measured.length) + 1);
  const good = new Set(
    [...measured].sort((a, b) => sign * ((a.value as number) - (b.value as number))).slice(0, count),
  );
  return { good: trials.filter((trial) => good.has(trial)), bad: trials.filter((trial) => !good.has(trial)) };
}

/**
 * The tree-structured Parzen estimator (Bergstra and others 2011), multivariate: densities l of the better and g of the other
 * configurations, and the single change of the base with the largest l / g, which maximises the expected improvement.
 */
export const tpeSampler: Sampler = (input) => {
  const space = spaceOf(input.menu);
  const touched = touchedKnobs(space, input.base, input.trials);
  const untouched = touched.filter((is) => !is).length;
  const candidates = input.random.shuffle(singleKnobChanges(space, input));
  const { good, bad } = split(input.trials, signOf(input.goal));
  const isStarting = good.length + bad.length < STARTUP;
  const forced = isStarting || mustTouchNewKnob(input.trials.length, untouched, space.axes.length);
  const belief = plainBelief(space, input, 'tpe');

  const base = space.encode(input.base);
  const l = logDensities(
    space,
    parzen(
      space,
      good.map((trial) => space.encode(trial.config)),
    ),
    base,
    candidates,
  );
  const g = logDensities(
    space,
    parzen(
      space,
      bad.map((trial) => space.encode(trial.config)),
    ),
    base,
    candidates,
  );
  const scored = candidates.map((candidate, i) => ({ ...candidate, score: (l[i] as number) - (g[i] as number) }));
  if (!isStarting) scored.sort((a, b) => b.score - a.score);
  const ordered = forced
    ? [...scored.filter((item) => !touched[item.axis]), ...scored.filter((item) => touched[item.axis])]
    : scored;
  const chosen = firstLegal(input, ordered) ?? lastResort(space, input);
  if (!chosen) return null;
  const ratio = 'score' in chosen ? Math.exp(chosen.score as number) : null;
  const head = change(chosen.knob, input.base[chosen.knob], chosen.value);
  const newKnob = touched[chosen.axis] ? '' : ', a knob never changed so far';
  const reason =
    isStarting || ratio === null
      ? `${head}: one of the first ${STARTUP} trials${newKnob}, drawn at random.`
      : `${head}: ${figure(ratio)} times as likely among the best ${good.length} of ${good.length + bad.length} trials as among the others${newKnob}.`;
  return { knob: chosen.knob, newValue: chosen.value, reason, belief };
};
