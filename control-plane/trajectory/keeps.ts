import { pairKey, type KnobValue, type Trajectory } from '@nightshift/protocol';
import type { Analysis, Keep } from './analysis.js';
import { improvementOver, isBetter, isEvaluated, type EvaluatedRecord } from './measurements.js';

/** What was kept: how often, first, best, and how much of it is one pair. */
export function keepsOf(trajectory: Trajectory): Analysis['keeps'] {
  const kept = trajectory.records.filter((record) => record.outcome === 'kept').filter(isEvaluated);
  const byPair = new Map<string, { knob: string; value: KnobValue; kept: number }>();
  let best: EvaluatedRecord | null = null;
  for (const record of kept) {
    if (best === null || isBetter(trajectory.metric.goal, record.metric, best.metric)) best = record;
    if (record.proposal === null) continue;
    const { knob, newValue } = record.proposal;
    const entry = byPair.get(pairKey(knob, newValue)) ?? { knob, value: newValue, kept: 0 };
    entry.kept += 1;
    byPair.set(pairKey(knob, newValue), entry);
  }
  const ranked = [...byPair.values()].sort((a, b) => b.kept - a.kept);
  return {
    count: kept.length,
    first: kept[0] ? keepOf(kept[0]) : null,
    best:
      best === null
        ? null
        : {
            ...keepOf(best),
            improvement: improvementOver(trajectory.metric.goal, trajectory.baseline.value, best.metric),
          },
    byPair: ranked,
    topPairShare: ranked[0] && kept.length > 0 ? ranked[0].kept / kept.length : null,
  };
}

function keepOf(record: EvaluatedRecord): Keep {
  return {
    iteration: record.iteration,
    knob: record.proposal?.knob ?? null,
    value: record.proposal?.newValue ?? null,
    metric: record.metric,
  };
}
