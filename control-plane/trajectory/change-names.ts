import type { KnobValue, Trajectory, TrajectoryRecord } from '@nightshift/protocol';
import { PATCH_KNOB } from './measurements.js';
import { standingText, standsOnOf } from './standing.js';
import { pairText } from './wording.js';

/** Code mode: there are no knobs to tell of. */
export function isOfPatches({ menu, measurement, records }: Trajectory): boolean {
  if (menu !== null && Object.keys(menu.knobs).length > 0) return false;
  const proposed = records.flatMap(({ proposal }) => (proposal === null ? [] : [proposal.knob]));
  return proposed.length === 0 ? Boolean(measurement) : proposed.every((knob) => knob === PATCH_KNOB);
}

/** A pair as reports name it; a patch by its summary, where somebody gave one. */
export function nameOf(trajectory: Trajectory, knob: string | null, value: KnobValue | null): string {
  if (knob !== PATCH_KNOB) return pairText(knob, value);
  const record = trajectory.records.find(({ proposal }) => proposal?.knob === knob && proposal.newValue === value);
  return record?.description ?? pairText(knob, value);
}

/** A change with what it was made to: a number of both together must not pass for one of the change alone. */
export function changeOf(
  trajectory: Trajectory,
  knob: string | null,
  value: KnobValue | null,
  record?: TrajectoryRecord,
): string {
  return nameOf(trajectory, knob, value) + (record ? standingText(standsOnOf(trajectory, record)) : '');
}

export function recordOf(trajectory: Trajectory, keep: number): TrajectoryRecord | undefined {
  return trajectory.records.find((row) => row.iteration === keep && row.outcome === 'kept');
}
