import { configKey, type Config, type Trajectory, type TrajectoryRecord } from '@nightshift/protocol';
import { PATCH_KNOB } from './measurements.js';

/**
 * The iteration whose configuration the change was made to, 0 for the baseline; null for a change of the baseline as such and where
 * the source does not say. Where it names configurations alone it is the last keep that the change makes this one of.
 */
export function standsOnOf(trajectory: Trajectory, record: TrajectoryRecord): number | null {
  const { proposal, config, standsOn, iteration } = record;
  if (standsOn !== null && standsOn !== undefined) return standsOn;
  if (proposal === null || config === null || proposal.knob === PATCH_KNOB) return null;
  const key = configKey(config);
  const isMadeOf = (before: Config | null): boolean =>
    before !== null && configKey({ ...before, [proposal.knob]: proposal.newValue }) === key;
  if (isMadeOf(trajectory.baseline.config)) return null;
  const below = trajectory.records.findLast(
    (other) => other.iteration < iteration && other.outcome === 'kept' && isMadeOf(other.config),
  );
  return below?.iteration ?? null;
}

/** What follows the name of a change: nothing, `on the baseline`, or `on #4`. */
export function standingText(standsOn: number | null): string {
  if (standsOn === null) return '';
  return standsOn === 0 ? ' on the baseline' : ` on #${standsOn}`;
}
