import type { JobReason } from '@nightshift/protocol';
import {
  isRefusalOf,
  listActiveJobs,
  listBoxes,
  listLatestReasons,
  listRefusals,
  type Refusal,
  type BoxRow,
  type JobRow,
  type Queryable,
  type RunRow,
} from '@nightshift/db';
import { effectiveLabels } from './job-spec.js';
import { knowsRole } from './knows-role.js';

const MOST_BOXES = 500;

/** Why nothing of a run is on a box although a job of it is queued, in a sentence with what to do; null when it does not wait. */
export async function whyWaiting(q: Queryable, run: RunRow, now: Date): Promise<string | null> {
  return (await whyRunsWait(q, [run], now)).get(run.id) ?? null;
}

/** The same of many runs, in two statements; those that do not wait are left out. */
export async function whyRunsWait(q: Queryable, runs: RunRow[], now: Date): Promise<Map<string, string>> {
  const reasons = new Map<string, string>();
  const active = runs.filter((run) => run.state === 'baseline' || run.state === 'running');
  const jobs = await listActiveJobs(
    q,
    active.map((run) => run.id),
  );
  const waiting = active.flatMap((run) => {
    const own = jobs.filter((job) => job.runId === run.id);
    const [first] = own;
    return first && own.every((job) => job.state === 'queued') ? [{ run, job: first }] : [];
  });
  if (waiting.length === 0) return reasons;
  const boxes = await listBoxes(q, { limit: MOST_BOXES });
  const refusals = await listRefusals(
    q,
    waiting.map(({ run }) => run.id),
  );
  const ends = await listLatestReasons(
    q,
    waiting.filter(({ job }) => isPaused(job, now)).map(({ job }) => job.id),
  );
  for (const { run, job } of waiting) {
    const why = isPaused(job, now)
      ? pauseOf(job.notBefore, ends.get(job.id))
      : explain(job, run.spec.boxes.labels, boxes, refusals);
    if (why !== null) reasons.set(run.id, why);
  }
  return reasons;
}

function isPaused(job: JobRow, now: Date): job is JobRow & { notBefore: Date } {
  return job.notBefore !== null && job.notBefore > now;
}

function pauseOf(until: Date, reason: JobReason | undefined): string {
  const after =
    reason === 'disk_filled' ? 'after it filled the disk of a box' : 'after a failure of the infrastructure';
  return `its job is tried again at ${until.toISOString().replace(/\.\d+Z$/, 'Z')}, ${after}`;
}

function explain(job: JobRow, labels: string[], boxes: BoxRow[], refusals: Refusal[]): string | null {
  if (boxes.length === 0) return 'no box is enrolled: nightshift boxes enrol';
  const pinned = job.pinnedBoxId === null ? boxes : boxes.filter((box) => box.id === job.pinnedBoxId);
  const fitting = pinned.filter((box) => labels.every((label) => effectiveLabels(box).includes(label)));
  if (fitting.length === 0) return `no box has the labels ${labels.join(', ')}: nightshift boxes shows what they have`;
  const able = fitting.filter((box) => knowsRole(box.facts, job.role));
  if (able.length === 0)
    return `no agent knows its job's role ${job.role}: upgrade that of ${fitting
      .slice(0, 5)
      .map((box) => box.name)
      .join(', ')}`;
  const refused = new Map(
    refusals.filter((refusal) => isRefusalOf(refusal, job)).map((refusal) => [refusal.boxId, refusal.why]),
  );
  const allowing = able.filter((box) => !refused.has(box.id));
  if (allowing.length === 0)
    return `no box is allowed its job; enrol one that is, or start the run again when an owner allows it: ${able
      .slice(0, 5)
      .map((box) => `${box.name}: ${refused.get(box.id)}`)
      .join('; ')}`;
  const free = allowing.filter((box) => whyNoWork(box) === null);
  if (free.length > 0) return null;
  return `no box takes work: ${allowing
    .slice(0, 5)
    .map((box) => `${box.name} is ${whyNoWork(box)}`)
    .join('; ')}`;
}

function whyNoWork(box: BoxRow): string | null {
  if (box.state === 'unreachable') return `unreachable since ${box.lastSeenAt?.toISOString() ?? 'it was enrolled'}`;
  if (box.dirtyPids.length > 0) return `dirty (nightshift boxes clean ${box.name})`;
  if (box.isDraining) return 'draining';
  if (box.isCordoned)
    return `cordoned${box.cordonReason === null ? '' : `: ${box.cordonReason}`} (nightshift boxes uncordon ${box.name})`;
  return null;
}
