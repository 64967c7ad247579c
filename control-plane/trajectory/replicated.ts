import type { Trajectory } from '@nightshift/protocol';
import { runNoise } from '../decision/run-noise.js';
import type { Analysis } from './analysis.js';
import { improvementOver, isBaselineAgain, isBetter, isEvaluated, meanOf, measurementsOf } from './measurements.js';
import { replicateGroups } from './noise.js';

/** Every measurement of the baseline's configuration: its own, and those of iterations that proposed what it has already. */
export function baselineMeasurements(trajectory: Trajectory): number[] {
  const { values, value } = trajectory.baseline;
  const own = values.filter(Number.isFinite);
  const all = own.length > 0 ? own : value === null ? [] : [value];
  for (const record of trajectory.records) {
    if (isEvaluated(record) && isBaselineAgain(trajectory, record)) all.push(...measurementsOf(record));
  }
  return all;
}

/**
 * The pair with the best mean among those measured at least twice: what the run may claim. `standardError` is the pooled noise / sqrt(n):
 * two draws say almost nothing about their own spread. `improvement` is against the mean of all measurements equal to the baseline,
 * `headline` is what the single best measurement would have claimed against the baseline's value.
 */
export function replicatedOf(trajectory: Trajectory, noiseSd: number | null): Analysis['replicated'] {
  const { goal } = trajectory.metric;
  let best: Pick<
    NonNullable<Analysis['replicated']>,
    'knob' | 'value' | 'n' | 'mean' | 'standsOn' | 'config' | 'guards'
  > | null = null;
  for (const group of replicateGroups(trajectory)) {
    const mean = meanOf(group.values);
    if (mean === null || group.values.length < 2 || !group.isEvaluated) continue;
    if (best === null || isBetter(goal, mean, best.mean)) {
      const { knob, value, values, standsOn, config, guards } = group;
      best = { knob, value, n: values.length, mean, standsOn, config, guards };
    }
  }
  if (best === null) return null;
  return {
    ...best,
    standardError: noiseSd === null ? null : noiseSd / Math.sqrt(best.n),
    improvement: improvementOver(goal, meanOf(baselineMeasurements(trajectory)), best.mean),
    headline: headlineOf(trajectory),
  };
}

/**
 * The run's choice by those measurements alone that were made after its search: free of the luck that chose it, which `replicated`
 * is not. `standardError` knows that the noise is itself an estimate (decision/run-noise.ts). `improvement` is against the baseline
 * measured beside it, null where it was not. Null where the choice was not confirmed.
 */
export function confirmedOf(trajectory: Trajectory): Analysis['confirmed'] {
  const { confirmation, metric } = trajectory;
  const values = confirmation?.values.filter(Number.isFinite) ?? [];
  const mean = meanOf(values);
  if (!confirmation || mean === null) return null;
  const noise = runNoise([
    trajectory.baseline.values.filter(Number.isFinite),
    ...replicateGroups(trajectory).map((group) => group.values),
    values,
  ]);
  const base = confirmation.baseline.filter(Number.isFinite);
  return {
    iteration: confirmation.iteration,
    n: values.length,
    mean,
    standardError: noise && noise.cautiousSd / Math.sqrt(values.length),
    baseline: { value: meanOf(base), n: base.length },
    improvement: improvementOver(metric.goal, meanOf(base), mean),
  };
}

/** Improvement of the single best measurement over the baseline's value. */
export function headlineOf(trajectory: Trajectory): number | null {
  const { goal } = trajectory.metric;
  let best: number | null = null;
  for (const record of trajectory.records) {
    if (isEvaluated(record) && (best === null || isBetter(goal, record.metric, best))) best = record.metric;
  }
  return best === null ? null : improvementOver(goal, trajectory.baseline.value, best);
}
