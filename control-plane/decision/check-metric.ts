import type { Goal } from '@nightshift/protocol';
import { isSame, mean } from './noise.js';

/** Improvements of a fifth in one step are rare enough to be measured twice, whatever the noise. */
const SUSPICIOUS_EFFECT = 0.2;
/** How many times beyond the best improvement seen so far is too good to be true on one measurement. */
const SUSPICIOUS_RATIO = 3;
/** In units of the noise; what matters when effects are absolute, since a fifth of nothing has no meaning. */
const SUSPICIOUS_SDS = 10;

export type MetricCheck =
  | { kind: 'ok' }
  /** The number cannot be a measurement: the job failed with this reason. */
  | { kind: 'failed'; reason: 'no_metric' | 'diverged' | 'metric_out_of_bounds'; why: string }
  /** A measurement that is not believed until it is replicated. */
  | { kind: 'quarantine'; why: string };

/** Judges one reported number before it counts: missing, not finite, outside the stated bounds (both legal), or too good to be true. */
export function checkMetric(input: {
  goal: Goal;
  value: number | null;
  bounds: readonly [number, number] | null;
  /** All measurements of the comparator. */
  comparator: readonly number[];
  /** All measurements of this run grouped by configuration; the new value may be among them. */
  groups: readonly (readonly number[])[];
  /** Standard deviation of one measurement in the metric's unit, when known. */
  noiseSd?: number | null;
}): MetricCheck {
  const { value, bounds } = input;
  if (value === null) return { kind: 'failed', reason: 'no_metric', why: 'no metric was reported' };
  if (!Number.isFinite(value)) return { kind: 'failed', reason: 'diverged', why: `the metric is ${value}` };
  if (bounds && (value < bounds[0] || value > bounds[1]))
    return {
      kind: 'failed',
      reason: 'metric_out_of_bounds',
      why: `the metric ${value} is outside its bounds [${bounds[0]}, ${bounds[1]}]`,
    };
  const why = tooGood({ ...input, candidate: [value], noiseSd: input.noiseSd ?? null });
  return why === null ? { kind: 'ok' } : { kind: 'quarantine', why };
}

/** Says why an improvement is too good to be believed on one measurement, or null. */
export function tooGood(input: {
  goal: Goal;
  candidate: readonly number[];
  comparator: readonly number[];
  groups: readonly (readonly number[])[];
  noiseSd: number | null;
}): string | null {
  const { comparator, groups, candidate } = input;
  if (comparator.length === 0 || candidate.length !== 1) return null;
  const base = mean(comparator);
  const improvement = (values: readonly number[]) =>
    input.goal === 'minimize' ? base - mean(values) : mean(values) - base;
  const gain = improvement(candidate);
  const own = groups.findIndex((values) => isSame(values, candidate));
  let seen = 0;
  groups.forEach((values, index) => {
    if (index !== own && values.length > 0) seen = Math.max(seen, improvement(values));
  });
  const limit = Math.max(
    SUSPICIOUS_EFFECT * Math.abs(base),
    SUSPICIOUS_RATIO * seen,
    SUSPICIOUS_SDS * (input.noiseSd ?? 0),
  );
  if (!(gain > limit) || limit === 0) return null;
  return 'the improvement is far beyond anything seen in this run: too good to be believed on one measurement';
}
