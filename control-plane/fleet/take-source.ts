import type { FrameOf } from '@nightshift/protocol';
import { findAttempt, findJob, findRun, insertCodeState, recordEvent, updateRun, type Db } from '@nightshift/db';
import { treeHash } from '../patch/hash.js';

/**
 * Takes in the editable files as the source of a run has them. The first telling stands: patches are made for it. Another text later
 * means that the source changed under the run, which is told and which the fingerprint of its measurements shows.
 * @returns the run that can now go on; null when the frame changed nothing.
 */
export async function takeSource(db: Db, boxId: string, frame: FrameOf<'source'>): Promise<string | null> {
  return db.transaction(async (tx) => {
    const attempt = await findAttempt(tx, frame.attemptId);
    if (!attempt || attempt.boxId !== boxId || attempt.token !== frame.token) return null;
    const job = await findJob(tx, attempt.jobId);
    const run = job ? await findRun(tx, job.runId) : undefined;
    if (!run?.spec.edit || run.endedAt || job?.codeKey) return null;
    const key = treeHash(frame.files);
    if (run.baselineCodeKey === key) return null;
    if (run.baselineCodeKey !== null) {
      await recordEvent(tx, {
        type: 'run.source_changed',
        runId: run.id,
        boxId,
        payload: { from: run.baselineCodeKey, to: key, attemptId: attempt.id },
      });
      return null;
    }
    await insertCodeState(tx, key, frame.files);
    await updateRun(tx, run.id, {
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
      },
    });
    return run.id;
  });
}
