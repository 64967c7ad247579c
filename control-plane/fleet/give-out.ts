import { randomBytes } from 'node:crypto';
import { MAX_ASSIGN_BYTES, type JobSpec } from '@nightshift/protocol';
import {
  assignJobs,
  fenceAttempt,
  listBoxLoads,
  listWaitingJobs,
  lockBoxes,
  lockRun,
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
import { knowsRole } from './knows-role.js';
import { specFor } from './spec-for.js';

/** Of an `assign` frame, beside the job without its attempt's id. */
const FRAME_AROUND_BYTES = 128;

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
    const given: Giving[] = [];
    for (const [at, { jobId, boxId, slots }] of matches.entries()) {
      const known = boxes.get(boxId);
      const found = waiting.get(jobId);
      if (!known || !takesWork(known.box)) answers.push({ none: 'box' });
      else if (known.liveAttempts >= slots) answers.push({ none: 'full' });
      else if (!found || !suits(found, known.box)) answers.push({ none: 'job' });
      else {
        answers.push({ none: 'job' }); // until it has its attempt
        const giving = await prepare(tx, { at, box: known.box, ...found });
        // Before anything of the job is written: its second update in one transaction would wait for its run's row.
        if (giving.bytes > MAX_ASSIGN_BYTES && !(await lockRun(tx, found.run.id, { skip: true }))) continue;
        known.liveAttempts++;
        waiting.delete(jobId);
        given.push(giving);
      }
    }
    if (given.length === 0) return answers;
    const attempts = await assignJobs(
      tx,
      given.map(({ job, box, spec }) => ({
        jobId: job.id,
        boxId: box.id,
        number: job.attempt + 1,
        token: spec.token,
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
    for (const [i, { at, job, box, spec, bytes }] of given.entries()) {
      const attempt = attempts[i];
      if (!attempt) continue;
      if (bytes <= MAX_ASSIGN_BYTES) answers[at] = { spec: { ...spec, attemptId: attempt.id } };
      else await takeBack(tx, attempt, { job, box }, bytes);
    }
    return answers;
  });
}

interface Giving {
  at: number;
  box: BoxRow;
  job: JobRow;
  run: RunRow;
  /** Without its attempt's id, which comes with the attempt. */
  spec: JobSpec;
  /** Of the whole frame, at most. */
  bytes: number;
}

async function prepare(tx: Tx, what: Omit<Giving, 'spec' | 'bytes'>): Promise<Giving> {
  const spec = await specFor(tx, what.run, what.job, { id: '', token: randomBytes(16).toString('hex') });
  return { ...what, spec, bytes: Buffer.byteLength(JSON.stringify(spec)) + FRAME_AROUND_BYTES };
}

/**
 * No agent takes such a frame: it would end the connection, and the offer would be made again with each new one. The caller holds the
 * run, too: out of the order of db/queries/locks.ts, after the box, and so only where nobody else has it.
 */
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
    if (job.refusedBy.includes(boxId)) continue;
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
  { job, run }: { job: Pick<JobRow, 'pinnedBoxId' | 'role'>; run: { spec: { boxes: { labels: string[] } } } },
  box: Parameters<typeof effectiveLabels>[0] & { id: string },
): boolean {
  if (job.pinnedBoxId !== null && job.pinnedBoxId !== box.id) return false;
  if (!knowsRole(box.facts, job.role)) return false;
  const labels = effectiveLabels(box);
  return run.spec.boxes.labels.every((label) => labels.includes(label));
}
