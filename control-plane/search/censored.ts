import { posterior, type Hyper, type Observations, type Prediction } from './gaussian-process.js';
import { normalCdf, normalDensity } from './normal.js';
import type { Axis } from './space.js';

/** A configuration whose value is known to lie above `bound` on the warped scale, where lower is better. */
export interface Bound {
  x: Float64Array;
  bound: number;
  /** What is expected of it by other evidence than the measurements of other configurations, on the warped scale. */
  estimate: Prediction | null;
}

/**
 * The warped scale's median distance to the best is ln 2 (surrogate.ts). Nobody gives up what is barely worse: at its bare bound a
 * hopeless candidate would leave its surroundings as promising as they were, and the search would go there again.
 */
const TYPICAL = Math.LN2;

/** Mean and variance of a normal variable that is known to exceed `bound`. */
export function beyond({ mean, variance }: Prediction, bound: number): Prediction {
  const sd = Math.sqrt(variance);
  const z = (bound - mean) / sd;
  // The inverse Mills ratio; far out both tails vanish, and its own expansion stands in.
  const ratio = z > 5 ? z + 1 / z : normalDensity(z) / (1 - normalCdf(z));
  return { mean: mean + sd * ratio, variance: Math.max(0, variance * (1 + z * ratio - ratio * ratio)) };
}

/**
 * Adds configurations that were given up: each stands at its estimate, or at the value that the measurements lead to expect beyond
 * its bound, with what stays unknown of it as further noise (Schmee and Hahn 1979; Hutter and others 2013, one step of it).
 */
export function imputeCensored(
  axes: readonly Axis[],
  data: Observations,
  bounds: readonly Bound[],
  hyper: Hyper,
): Observations {
  if (bounds.length === 0) return data;
  const process = posterior(axes, data, [], hyper);
  const imputed = bounds.map(({ x, bound, estimate }) => {
    if (estimate) return estimate;
    const { mean, variance } = beyond(process.at(x), bound);
    return { mean: Math.max(mean, bound + TYPICAL), variance: Math.max(variance, (TYPICAL / 2) ** 2) };
  });
  return {
    x: [...data.x, ...bounds.map(({ x }) => x)],
    y: Float64Array.from([...data.y, ...imputed.map(({ mean }) => mean)]),
    spread: Float64Array.from([...data.spread, ...imputed.map(({ variance }) => 1 + variance / hyper.noise)]),
  };
}
