import type { Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { meanOf } from './measurements.js';

/** What it took. Sums and means run over the iterations that say; null when none does. */
export function costOf(trajectory: Trajectory): Analysis['cost'] {
  const known = (pick: (record: Trajectory['records'][number]) => number | null) =>
    trajectory.records.map(pick).filter((value): value is number => value !== null && Number.isFinite(value));
  const wall = known((record) => record.wallSeconds);
  const energy = known((record) => record.energyWh);
  const sum = (values: number[]) => (values.length === 0 ? null : values.reduce((total, value) => total + value, 0));
  return {
    wallSeconds: sum(wall),
    secondsPerIteration: meanOf(wall),
    modelSecondsPerCall: meanOf(known((record) => record.modelSeconds)),
    modelUsd: trajectory.modelCostUsd ?? null,
    energyWh: sum(energy),
  };
}
