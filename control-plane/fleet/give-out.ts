import { randomBytes } from 'node:crypto';
import { MAX_ASSIGN_BYTES, type JobSpec } from '@nightshift/protocol';
import {
  assignJobs,
  fenceAttempt,
  listBoxLoads,
  listWaitingJobs,
  lockBoxes,
  lockWaitingJobs,
  recordEvents,
  type AttemptRow,
  type BoxRow,
  type Db,
  type JobRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { settleAttempt } from '../loop/settle-attempt.js';
import { effectiveLabels } from './job-spec.js';
import { specFor } from './spec-for.js';

/** Of an `assign` frame, beside the job. */
const FRAME_AROUND_BYTES = 64;

/** A job that is meant for a box. `slots`: how many jobs the box runs at a time. */
export interface Match {
  jobId: string;
  boxId: string;
  slots: number;
}
/** What to send to the box; or why there is nothing: the box takes no jobs, all its slots are taken, or the job is not there for it. */
export type Given = { spec: JobSpec } | { none: 'box' | 'full' | 'job' };

/**
 * Gives jobs to boxes as far as they may have them, all in one transaction: new attempts with new fencing tokens. The tokens in the
 * database are what holds; the frames that follow are only the news of them.
 * @returns one answer for each match, in their order.
 */
export async function giveJobs(db: Db, matches: Match[]): Promise<Given[]> {
  return db.transaction(async (tx) => {
    const boxes = await lockBoxes(tx, [...new Set(matches.map((match) => match.boxId))]);
    const waiting = await lockWaitingJobs(tx, [...new Set(matches.map((match) => match.jobId))]);
    const answers: Given[] = [];
    const given: { at: number; box: BoxRow; job: JobRow; run: RunRow }[] = [];
    for (const [at, { jobId, boxId, slots }] of matches.entries()) {
      const known = boxes.get(boxId);
      const found = waiting.get(jobId);
      if (!known || !takesWork(known.box)) answers.push({ none: 'box' });
      else if (known.liveAttempts >= slots) answers.push({ none: 'full' });
      else if (!found || !suits(found, known.box)) answers.push({ none: 'job' });
      else {
        known.liveAttempts++;
        waiting.delete(jobId);
        given.push({ at, box: known.box, ...found });
        answers.push({ none: 'job' }); // until it has its attempt
      }
    }
    if (given.length === 0) return answers;
    const attempts = await assignJobs(
      tx,
      given.map(({ job, box }) => ({
        jobId: job.id,
        boxId: box.id,
        number: job.attempt + 1,
        token: randomBytes(16).toString('hex'),
      })),
    );
    await recordEvents(
      tx,
      given.map(({ job, run, box }, i) => ({
        type: 'job.assigned',
        runId: run.id,
        boxId: box.id,
        payload: { jobId: job.id, attemptId: attempts[i]?.id, attempt: attempts[i]?.number, box: box.name },
      })),
    );
    for (const [i, { at, job, run, box }] of given.entries()) {
      const attempt = attempts[i];
      if (!attempt) continue;
      const spec = await specFor(tx, run, job, attempt);
      const bytes = Buffer.byteLength(JSON.stringify(spec)) + FRAME_AROUND_BYTES;
      if (bytes <= MAX_ASSIGN_BYTES) answers[at] = { spec };
      else await takeBack(tx, attempt, { job, box }, bytes);
    }
    return answers;
  });
}

/** No agent takes such a frame: it would end the connection, and the offer would be made again with each new one. */
async function takeBack(tx: Tx, attempt: AttemptRow, held: { job: JobRow; box: BoxRow }, bytes: number): Promise<void> {
  const detail =
    `what a box must be told of the job is ${bytes} bytes and may be ${MAX_ASSIGN_BYTES}: ` +
    'put large values of job.env and long commands into files of the source';
  await fenceAttempt(tx, attempt.id);
  const outcome = { reason: 'source_unavailable' as const, detail, metric: null };
  await settleAttempt(tx, attempt, held, outcome, { startedAt: null, fingerprint: null });
}

/** Gives a box the job that has waited longest; null when there is nothing for it. */
export async function giveOut(db: Db, boxId: string, slots: number): Promise<JobSpec | null> {
  const [box] = await listBoxLoads(db, [boxId]);
  if (!box) return null;
  for (const job of await listWaitingJobs(db, { limit: 1000 })) {
    if (!suits({ job, run: { spec: { boxes: { labels: job.labels } } } }, box)) continue;
    const [given] = await giveJobs(db, [{ jobId: job.id, boxId, slots }]);
    if (given && 'spec' in given) return given.spec;
    if (given && given.none !== 'job') return null;
  }
  return null;
}

function takesWork(box: BoxRow): boolean {
  const isFree = !box.isCordoned && !box.isDraining && box.dirtyPids.length === 0;
  return box.state === 'online' && isFree && box.facts?.health?.ok !== false;
}

function suits(
  { job, run }: { job: { pinnedBoxId: string | null }; run: { spec: { boxes: { labels: string[] } } } },
  box: Parameters<typeof effectiveLabels>[0] & { id: string },
): boolean {
  if (job.pinnedBoxId !== null && job.pinnedBoxId !== box.id) return false;
  const labels = effectiveLabels(box);
  return run.spec.boxes.labels.every((label) => labels.includes(label));
}
