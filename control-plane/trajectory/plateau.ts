import type { Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { canBeBest } from './guards.js';
import { isBetter, isEvaluated } from './measurements.js';

/**
 * Evaluated iterations strictly between two new bests or after the last one (`longest` of all), and after the last one (`current`). The baseline is the first best, so
 * the stretch before the first improvement counts. A new best is any evaluated metric better than all before it, kept or not, but for what a guard reverted.
 */
export function plateauOf(trajectory: Trajectory): Analysis['plateau'] {
  const evaluated = trajectory.records.filter(isEvaluated);
  if (evaluated.length === 0) return { longest: null, current: null };
  let best = trajectory.baseline.value;
  let since = 0;
  let longest = 0;
  for (const record of evaluated) {
    if (canBeBest(record) && (best === null || isBetter(trajectory.metric.goal, record.metric, best))) {
      best = record.metric;
      longest = Math.max(longest, since);
      since = 0;
    } else since += 1;
  }
  return { longest: Math.max(longest, since), current: since };
}

/** The best metric so far after each iteration, the baseline's before the first; null while nothing was measured. */
export function runningBest(trajectory: Trajectory): (number | null)[] {
  let best = trajectory.baseline.value;
  return trajectory.records.map((record) => {
    if (canBeBest(record) && (best === null || isBetter(trajectory.metric.goal, record.metric, best)))
      best = record.metric;
    return best;
  });
}
