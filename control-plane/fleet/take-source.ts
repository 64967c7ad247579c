import { editedForEvaluator, type FrameOf } from '@nightshift/protocol';
import {
  findAttempt,
  findJob,
  insertCodeState,
  lockRun,
  recordEvent,
  updateRun,
  type AttemptRow,
  type Db,
  type RunRow,
} from '@nightshift/db';
import { treeHash } from '../patch/hash.js';
import { editedReads } from '../policy/code/edited-reads.js';
import { loseAttempt } from './finish-attempt.js';

/**
 * Takes in the editable files as the source of a run has them. The first telling stands: patches are made for it, and every later job is
 * given it. A box that tells another one was given its job before that: it is taken away again, before it trains, and made anew.
 * @returns the run that can now go on; null when the frame changed nothing.
 */
export async function takeSource(db: Db, boxId: string, frame: FrameOf<'source'>): Promise<string | null> {
  const taken = await take(db, boxId, frame);
  if (taken === null || !taken.isOther) return taken?.runId ?? null;
  await loseAttempt(db, taken.attempt, taken.runId, {
    reason: 'source_unavailable',
    detail: `the editable files on this box (${frame.files.map((file) => file.path).join(', ')}) are not those that the run began with: the job is given them`,
  });
  return taken.runId;
}

// Null: the box told no code to look at.
function readsOf({ spec }: RunRow, frame: FrameOf<'source'>): string[] | null {
  const edited = editedForEvaluator(spec);
  if (edited.length === 0 || spec.edit === null || spec.job.evaluate === null) return [];
  if (!frame.code) return null;
  const files = [...frame.files, ...frame.code];
  return editedReads({ evaluate: spec.job.evaluate, files, edited, sealed: spec.edit.sealed });
}

interface Taken {
  runId: string;
  attempt: AttemptRow;
  isOther: boolean;
}

async function take(db: Db, boxId: string, frame: FrameOf<'source'>): Promise<Taken | null> {
  return db.transaction(async (tx): Promise<Taken | null> => {
    const attempt = await findAttempt(tx, frame.attemptId);
    if (!attempt || attempt.boxId !== boxId || attempt.token !== frame.token) return null;
    const job = await findJob(tx, attempt.jobId);
    // Locked: two boxes may tell at once.
    const run = job ? await lockRun(tx, job.runId, { skip: false }) : undefined;
    if (!run?.spec.edit || run.endedAt || job?.codeKey) return null;
    const key = treeHash(frame.files);
    if (run.baselineCodeKey === key) return null;
    if (run.baselineCodeKey !== null) {
      await recordEvent(tx, {
        type: 'run.source_changed',
        runId: run.id,
        boxId,
        payload: {
          detail: `a box has other editable files than the run began with: ${frame.files.map((file) => file.path).join(', ')}`,
          from: run.baselineCodeKey,
          to: key,
          attemptId: attempt.id,
        },
      });
      return { runId: run.id, attempt, isOther: true };
    }
    await insertCodeState(tx, key, frame.files);
    const evaluatorReads = readsOf(run, frame);
    await updateRun(tx, run.id, {
      evaluatorReads,
      baselineCodeKey: key,
      baseCommit: frame.baseCommit,
      basePrefix: frame.basePrefix ?? '',
    });
    await recordEvent(tx, {
      type: 'run.source',
      runId: run.id,
      boxId,
      payload: {
        codeKey: key,
        baseCommit: frame.baseCommit,
        files: frame.files.map((file) => file.path),
        sealed: frame.sealed,
        sealedDigest: frame.sealed.length === 0 ? null : (frame.sealedDigest ?? null),
        evaluatorReads,
      },
    });
    return { runId: run.id, attempt, isOther: false };
  });
}
