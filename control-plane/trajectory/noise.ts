import type { Config, KnobValue, Trajectory } from '@nightshift/protocol';
import { estimateNoise } from '../decision/noise.js';
import type { Analysis } from './analysis.js';
import { guardsOf } from './guards.js';
import { isEvaluated, isTried, measurementsOf, replicateKey } from './measurements.js';
import { standsOnOf } from './standing.js';

/** All measurements of one pair in one configuration; none where every try failed at once. */
export interface ReplicateGroup {
  knob: string;
  value: KnobValue;
  config: Config | null;
  /** The iteration whose configuration its knob was turned in, as far as any of its iterations says. */
  standsOn: number | null;
  values: number[];
  /** Whether any iteration ended with a number: what only ever failed can be claimed by nobody. */
  isEvaluated: boolean;
  /** Guards that reverted it. */
  guards: string[];
  kept: number;
  reverted: number;
}

export function replicateGroups(trajectory: Trajectory): ReplicateGroup[] {
  const groups = new Map<string, ReplicateGroup>();
  for (const record of trajectory.records) {
    if (!isTried(record)) continue;
    const key = replicateKey(record.proposal, record);
    const group = groups.get(key) ?? {
      knob: record.proposal.knob,
      value: record.proposal.newValue,
      config: record.config,
      standsOn: null,
      values: [],
      isEvaluated: false,
      guards: [],
      kept: 0,
      reverted: 0,
    };
    group.values.push(...measurementsOf(record));
    group.isEvaluated ||= isEvaluated(record);
    group.standsOn ??= standsOnOf(trajectory, record);
    group.guards = [...new Set([...group.guards, ...guardsOf(record)])];
    if (record.outcome === 'kept') group.kept += 1;
    if (record.outcome === 'reverted') group.reverted += 1;
    groups.set(key, group);
  }
  return [...groups.values()];
}

/**
 * The noise of one measurement: sqrt(sum over groups of squared deviations from the group's mean / sum of (n - 1)), the usual pooled
 * standard deviation, over every pair measured more than once; several measurements of the baseline are one more group.
 * `relative` is a fraction of the baseline's value. `flipped` pairs were both kept and reverted.
 */
export function noiseOf(trajectory: Trajectory): Analysis['noise'] {
  const groups = replicateGroups(trajectory);
  const { sd, degreesOfFreedom } = estimateNoise([
    trajectory.baseline.values.filter(Number.isFinite),
    ...groups.map((group) => group.values),
  ]);
  const base = trajectory.baseline.value;
  return {
    sd,
    degreesOfFreedom,
    relative: sd === null || base === null || base === 0 ? null : sd / Math.abs(base),
    flipped: groups
      .filter((group) => group.kept > 0 && group.reverted > 0)
      .map(({ knob, value, kept, reverted }) => ({ knob, value, kept, reverted })),
  };
}
