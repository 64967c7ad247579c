import {
  isRefusalOf,
  listRefusals,
  listRoomierBoxes,
  type AttemptRow,
  type JobRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { effectiveLabels } from './job-spec.js';
import { knowsRole } from './knows-role.js';

/** Whether a job that filled its box's disk, for the first time, may go to a box that had much more room. */
export async function hasRoomierBox(
  tx: Tx,
  run: RunRow | undefined,
  job: JobRow,
  attempt: AttemptRow,
): Promise<boolean> {
  if (!run || job.pinnedBoxId !== null) return false;
  const roomier = await listRoomierBoxes(tx, attempt);
  if (roomier.length === 0) return false;
  const refusals = (await listRefusals(tx, [run.id])).filter((refusal) => isRefusalOf(refusal, job));
  return roomier.some((box) => {
    const labels = effectiveLabels(box);
    const isRefused = refusals.some((refusal) => refusal.boxId === box.id);
    return !isRefused && knowsRole(box.facts, job.role) && run.spec.boxes.labels.every((name) => labels.includes(name));
  });
}
