import { breaksGuard, holdsGuard, type GuardReading, type Trial } from '@nightshift/protocol';
import { cholesky, solveLower, solveUpper } from './cholesky.js';
import { normalCdf } from './normal.js';
import type { Space } from './space.js';

/** Belief before any failure, in standard units: a new configuration works with probability about 0.84. */
const OPTIMISM = 1;
/** Variance of a knob's straight-line effect over its whole range: failures such as out of memory grow with a knob. */
const SLOPE_VARIANCE = 5;
/** A rough kernel: out of memory is a wall, and a smooth one would leave hope just behind it. */
const LOCAL_VARIANCE = 1.5;
const LOCAL_LENGTH = 0.3;
const LABEL_VARIANCE = 0.1;
/** Trials kept: every failure that fits, then the newest successes. */
const MAX_TRIALS = 250;

/** One limit of a guard, as the trials met it. */
export interface GuardRecord extends Omit<GuardReading, 'value'> {
  measured: number;
  broken: number;
}

/** The probability that one change of the base could be kept at all. */
export interface Feasibility {
  /** The causes of failure seen. */
  failures: Record<string, number>;
  /** It runs, and holds every guard. */
  probability(axis: number, position: number): number;
  runs(axis: number, position: number): number;
  holds(axis: number, position: number): number;
}

type Chance = (axis: number, position: number) => number;

/** Learns from failed and completed trials where a configuration can run at all, and from completed ones where it holds the guards. */
export function learnFeasibility(space: Space, base: Float64Array, trials: readonly Trial[]): Feasibility {
  const failed = trials.filter((trial) => trial.state === 'failed');
  const complete = trials.filter((trial) => trial.state === 'complete');
  const failures: Record<string, number> = {};
  for (const trial of failed) failures[trial.failure ?? 'unknown'] = (failures[trial.failure ?? 'unknown'] ?? 0) + 1;
  const runs = separate(space, base, failed, complete);
  // What failed says nothing of the guards, and a candidate that broke one has run.
  const holds = separate(
    space,
    base,
    complete.filter(breaksGuard),
    // One whose guards nobody can tell holds none for all that is known.
    complete.filter((trial) => (trial.guards?.length ?? 0) > 0 && !breaksGuard(trial)),
  );
  return {
    failures,
    probability: (axis, position) => runs(axis, position) * holds(axis, position),
    runs,
    holds,
  };
}

/** By limit, in the order in which they were first met. */
export function guardRecords(trials: readonly Trial[]): GuardRecord[] {
  const records = new Map<string, GuardRecord>();
  for (const { guards = [] } of trials)
    for (const { value, ...of } of guards) {
      const key = JSON.stringify([of.name, of.bound, of.limit]);
      const record = records.get(key) ?? { ...of, measured: 0, broken: 0 };
      record.measured++;
      if (!holdsGuard({ ...of, value })) record.broken++;
      records.set(key, record);
    }
  return [...records.values()];
}

/**
 * Gaussian process regression on the labels +1 and -1 (least-squares classification, Rasmussen and Williams 2006, section 6.5). The
 * kernel is a line through the base plus a local bump, so that one bad change of the base is blamed on the changed knob and reaches
 * everything beyond it.
 */
function separate(space: Space, base: Float64Array, bad: readonly Trial[], good: readonly Trial[]): Chance {
  if (bad.length === 0) return () => 1;

  const keptFailures = bad.slice(-MAX_TRIALS / 2);
  const worked = good.slice(keptFailures.length - MAX_TRIALS);
  const rows = [...keptFailures, ...worked].map((trial) => space.encode(trial.config));
  const n = rows.length;
  const { axes } = space;

  // The line runs through the base: a category counts when both points leave the base for the same value.
  const line = (k: number, a: number, b: number): number => {
    const origin = base[k] as number;
    if (axes[k]?.isCategory) return a !== origin && a === b ? 1 : 0;
    return (a - origin) * (b - origin);
  };
  const local = LOCAL_LENGTH * Math.sqrt(Math.max(1, axes.length / 2));
  const kernel = (linear: number, distance2: number) =>
    SLOPE_VARIANCE * linear + LOCAL_VARIANCE * Math.exp(-Math.sqrt(distance2) / local);

  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let linear = 0;
      let distance2 = 0;
      axes.forEach((axis, k) => {
        const a = (rows[i] as Float64Array)[k] as number;
        const b = (rows[j] as Float64Array)[k] as number;
        linear += line(k, a, b);
        distance2 += axis.distance2(a, b);
      });
      matrix[i * n + j] = kernel(linear, distance2) + (i === j ? LABEL_VARIANCE : 0);
    }
  const factor = cholesky(matrix, n);
  const labels = Float64Array.from(rows, (_, i) => (i < keptFailures.length ? -1 : 1) - OPTIMISM);
  const alpha = solveUpper(factor, n, solveLower(factor, n, labels));

  const offsets = rows.map((row) =>
    axes.reduce((sum, axis, k) => sum + axis.distance2(base[k] as number, row[k] as number), 0),
  );
  return (axis, position) => {
    const covariance = new Float64Array(n);
    let mean = OPTIMISM;
    const origin = base[axis] as number;
    for (let i = 0; i < n; i++) {
      const there = (rows[i] as Float64Array)[axis] as number;
      const moved = axes[axis]?.distance2(position, there) ?? 0;
      const stayed = axes[axis]?.distance2(origin, there) ?? 0;
      const value = kernel(line(axis, position, there), Math.max(0, (offsets[i] as number) - stayed + moved));
      covariance[i] = value;
      mean += value * (alpha[i] as number);
    }
    let variance = kernel(line(axis, position, position), 0);
    for (const v of solveLower(factor, n, covariance)) variance -= v * v;
    return normalCdf(mean / Math.sqrt(LABEL_VARIANCE + Math.max(0, variance)));
  };
}
