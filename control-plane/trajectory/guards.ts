import type { Trajectory, TrajectoryRecord } from '@nightshift/protocol';
import { isEvaluated, type EvaluatedRecord } from './measurements.js';

/** The guards that broke what would have been kept; empty for everything else, and for decisions of before guards were named in them. */
export function guardsOf({ decision }: Pick<TrajectoryRecord, 'decision'>): string[] {
  return decision?.guards ?? [];
}

/** An iteration whose metric can be the best so far, kept or not: one that a guard reverted is no result at all. */
export function canBeBest(record: TrajectoryRecord): record is EvaluatedRecord {
  return isEvaluated(record) && guardsOf(record).length === 0;
}

/** What each guard reverted, the busiest first; an iteration that broke two stands at both. */
export function guardReverts(trajectory: Pick<Trajectory, 'records'>): { guard: string; iterations: number[] }[] {
  const reverts = new Map<string, number[]>();
  for (const record of trajectory.records)
    for (const guard of new Set(guardsOf(record)))
      reverts.set(guard, [...(reverts.get(guard) ?? []), record.iteration]);
  return [...reverts]
    .map(([guard, iterations]) => ({ guard, iterations }))
    .sort((a, b) => b.iterations.length - a.iterations.length);
}
