import { pairKey, type KnobValue, type Trajectory, type TrajectoryRecord } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { isEvaluated, isNoop, isTried, type TriedRecord } from './measurements.js';

/** Evaluated iterations in a window of the repeat rate; the last window may be shorter. */
export const WINDOW = 10;
const TOP_PAIRS = 10;

/**
 * Distinct pairs and repeats. A repeat is an evaluated iteration whose (knob, value) pair reached a box in an earlier one; a no-op is one
 * whose value equals the baseline's. `repeatRate` is repeats / evaluated. Null where no iteration says what it changed.
 */
export function pairsOf(trajectory: Trajectory): Analysis['pairs'] {
  const tried = trajectory.records.filter((record) => record.proposal !== null);
  if (tried.length === 0 && trajectory.records.length > 0)
    return { unique: null, repeats: null, repeatRate: null, noops: null, windows: null, top: null };
  const repeated = repeatedIterations(trajectory, (record) => pairKey(record.proposal.knob, record.proposal.newValue));
  const evaluated = trajectory.records.filter(isEvaluated);
  const isRepeat = evaluated.map((record) => repeated.has(record));
  const repeats = isRepeat.filter(Boolean).length;
  const windows = [];
  for (let start = 0; start < evaluated.length; start += WINDOW) {
    const rows = evaluated.slice(start, start + WINDOW);
    const hits = isRepeat.slice(start, start + WINDOW).filter(Boolean).length;
    windows.push({
      first: rows[0]?.iteration ?? 0,
      last: rows[rows.length - 1]?.iteration ?? 0,
      repeatRate: hits / rows.length,
    });
  }
  const distinct = new Set<string>();
  for (const record of trajectory.records)
    if (isTried(record)) distinct.add(pairKey(record.proposal.knob, record.proposal.newValue));
  return {
    unique: distinct.size,
    repeats,
    repeatRate: evaluated.length === 0 ? null : repeats / evaluated.length,
    noops: evaluated.filter((record) => record.proposal !== null && isNoop(trajectory, record.proposal)).length,
    windows,
    top: topPairs(trajectory),
  };
}

/** The records whose change, as `keyOf` tells changes apart, had reached a box before. */
export function repeatedIterations(
  trajectory: Trajectory,
  keyOf: (record: TriedRecord) => string,
): Set<TrajectoryRecord> {
  const seen = new Set<string>();
  const repeated = new Set<TrajectoryRecord>();
  for (const record of trajectory.records) {
    if (!isTried(record)) continue;
    const key = keyOf(record);
    if (seen.has(key)) repeated.add(record);
    seen.add(key);
  }
  return repeated;
}

function topPairs(trajectory: Trajectory): Exclude<Analysis['pairs']['top'], null> {
  const counts = new Map<string, { knob: string; value: KnobValue; proposed: number; kept: number }>();
  for (const record of trajectory.records) {
    if (record.proposal === null) continue;
    const { knob, newValue } = record.proposal;
    const key = pairKey(knob, newValue);
    const entry = counts.get(key) ?? { knob, value: newValue, proposed: 0, kept: 0 };
    entry.proposed += 1;
    if (record.outcome === 'kept') entry.kept += 1;
    counts.set(key, entry);
  }
  // The sort is stable: pairs proposed equally often stay in the order in which they first appeared.
  return [...counts.values()].sort((a, b) => b.proposed - a.proposed).slice(0, TOP_PAIRS);
}
