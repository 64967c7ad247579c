import { listPinnedJobs, recordEvent, unpinJob, type Db, type PinnedJob } from '@nightshift/db';
import { LOST_AFTER_MS } from './deps.js';
import { effectiveLabels } from './job-spec.js';

/**
 * Lets any box run what waits for a box that will not come for it. The number is then of another box, and the loop asks for
 * what it is to be compared with there.
 * @returns the runs whose jobs were released.
 */
export async function releasePins(db: Db, now: Date): Promise<string[]> {
  const released: string[] = [];
  for (const pinned of await listPinnedJobs(db)) {
    const why = whyReleased(pinned, now);
    if (why === null) continue;
    const { job, box } = pinned;
    const isReleased = await db.transaction(async (tx) => {
      if (!(await unpinJob(tx, job.id, box.id))) return false;
      await recordEvent(tx, {
        type: 'job.unpinned',
        runId: job.runId,
        boxId: box.id,
        payload: { jobId: job.id, role: job.role, box: box.name, why },
      });
      return true;
    });
    if (isReleased) released.push(job.runId);
  }
  return released;
}

// A box that is away, or that a person has set aside, may be back soon: waiting is cheaper than measuring two things again.
function whyReleased({ job, run, box, isRefused }: PinnedJob, now: Date): string | null {
  const isOver = (since: Date) => now.getTime() - since.getTime() >= LOST_AFTER_MS;
  if (box.removedAt !== null) return 'the box was removed';
  if (isRefused) return "the box's owner does not allow it";
  const labels = effectiveLabels(box);
  if (!run.spec.boxes.labels.every((label) => labels.includes(label)))
    return 'the box no longer has the labels asked for';
  if (box.state === 'unreachable' && isOver(box.lastSeenAt ?? job.createdAt))
    return `the box has been silent since ${box.lastSeenAt?.toISOString() ?? 'ever'}`;
  const flag = box.isCordoned
    ? 'cordoned'
    : box.isDraining
      ? 'draining'
      : box.dirtyPids.length > 0
        ? 'dirty'
        : box.facts?.health?.ok === false
          ? 'unhealthy'
          : null;
  if (flag !== null && isOver(job.createdAt)) return `the box takes no jobs (${flag})`;
  return null;
}
