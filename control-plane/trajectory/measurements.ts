import {
  configKey,
  pairKey,
  type Goal,
  type KnobValue,
  type Proposal,
  type Trajectory,
  type TrajectoryRecord,
} from '@nightshift/protocol';
import { mean } from '../decision/noise.js';

/** What stands for the knob where a patch was proposed; its value is the beginning of a hash. No knob can have this name. */
export const PATCH_KNOB = '(patch)';

/** An iteration that ended with a number: kept, reverted or inconclusive, with a finite metric. */
export type EvaluatedRecord = TrajectoryRecord & { metric: number };

export function isEvaluated(record: TrajectoryRecord): record is EvaluatedRecord {
  if (record.outcome === 'blocked' || record.outcome === 'failed' || record.outcome === 'screened_out') return false;
  return record.metric !== null && Number.isFinite(record.metric);
}

/** An iteration whose proposal reached a box. */
export type TriedRecord = TrajectoryRecord & { proposal: Proposal };

/** True when the proposal cost box time: it was measured, it failed while being measured, or it was given up at the cheap budget. */
export function isTried(record: TrajectoryRecord): record is TriedRecord {
  const isCut = record.outcome === 'failed' || record.outcome === 'screened_out';
  return record.proposal !== null && (isCut || isEvaluated(record));
}

/**
 * Every finite measurement of what an iteration tried, later ones as a comparator included; sources that give only the mean count as
 * one. One that failed later (its replicate ran
 * out of time, say) has measurements too: they are true of its configuration, though nothing was decided from them.
 */
export function measurementsOf(record: TrajectoryRecord): number[] {
  const finite = record.values.filter(Number.isFinite);
  const own = finite.length === 0 && isEvaluated(record) ? [record.metric] : finite;
  return [...own, ...(record.audits ?? []).filter(Number.isFinite)];
}

/**
 * What makes two measurements replicates of each other: the same pair, in the same configuration (or on the same iteration) where the
 * source says it.
 * With `compare: incumbent` one pair is tried in several configurations, and those are not replicates.
 */
export function replicateKey(proposal: Proposal, record: TrajectoryRecord): string {
  const pair = pairKey(proposal.knob, proposal.newValue);
  if (record.config !== null) return `${pair} ${configKey(record.config)}`;
  return record.standsOn === null || record.standsOn === undefined ? pair : `${pair} on ${record.standsOn}`;
}

/** The baseline's value of a knob: from its configuration, else the menu's default; undefined when neither says. */
export function baselineValueOf(
  of: Pick<Trajectory, 'menu'> & { baseline: Pick<Trajectory['baseline'], 'config'> },
  knob: string,
): KnobValue | undefined {
  const { config } = of.baseline;
  if (config !== null && Object.hasOwn(config, knob)) return config[knob];
  if (of.menu !== null && Object.hasOwn(of.menu.knobs, knob)) return of.menu.knobs[knob]?.default;
  return undefined;
}

/** A proposal of the value that the baseline has already. */
export function isNoop(of: Parameters<typeof baselineValueOf>[0], proposal: Proposal): boolean {
  const value = baselineValueOf(of, proposal.knob);
  return value !== undefined && pairKey(proposal.knob, value) === pairKey(proposal.knob, proposal.newValue);
}

/**
 * An iteration that ran the baseline's configuration again. Where the source names configurations they are compared: with a moving
 * incumbent, a proposal of the baseline's value is another configuration than the baseline.
 */
export function isBaselineAgain(of: Parameters<typeof baselineValueOf>[0], record: TrajectoryRecord): boolean {
  // A patch leaves the configuration as it is and runs other code.
  if (record.proposal === null || record.proposal.knob === PATCH_KNOB) return false;
  if (of.baseline.config !== null && record.config !== null)
    return configKey(of.baseline.config) === configKey(record.config);
  return isNoop(of, record.proposal);
}

export function isBetter(goal: Goal, candidate: number, than: number): boolean {
  return goal === 'minimize' ? candidate < than : candidate > than;
}

/** Improvement as a fraction of the comparator, positive is better; null when there is nothing to divide by. */
export function improvementOver(goal: Goal, comparator: number | null, value: number): number | null {
  if (comparator === null || comparator === 0 || !Number.isFinite(comparator)) return null;
  const gain = goal === 'minimize' ? comparator - value : value - comparator;
  return gain / Math.abs(comparator);
}

/** The mean that decisions are made with; null of nothing. */
export function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : mean(values);
}
