import type { ExitRecord, JobReason } from '@nightshift/protocol';
import {
  endAttempt,
  fenceAttempt,
  findAttempt,
  findJob,
  insertRefusal,
  keepLateExit,
  lockBox,
  lockJob,
  lockRun,
  recordEvent,
  type AttemptRow,
  type Db,
  type JobRow,
  type Tx,
} from '@nightshift/db';
import { judgeExit } from '../loop/after-attempt.js';
import { fingerprintOf } from '../loop/fingerprint.js';
import { holdToRuler } from '../loop/ruler.js';
import { settleAttempt } from '../loop/settle-attempt.js';
import { tellSourceChanged } from '../loop/tell-source-changed.js';
import { budgetOf } from './budget-of.js';
import { hasRoomierBox } from './has-roomier-box.js';

export interface Finished {
  /** What the box may do with the job's directory: it is released in every case but for a frame that makes no sense. */
  release: boolean;
  runId: string | null;
}

/**
 * Takes in the end of an attempt, once: the result of a live attempt counts, a fenced one's is kept as evidence, a repeated
 * one changes nothing.
 */
export async function finishAttempt(
  db: Db,
  boxId: string,
  attemptId: string,
  token: string,
  exit: ExitRecord,
): Promise<Finished> {
  return db.transaction(async (tx) => {
    const attempt = await findAttempt(tx, attemptId);
    if (!attempt || attempt.boxId !== boxId || attempt.token !== token) return { release: true, runId: null };
    const { runId } = (await findJob(tx, attempt.jobId)) as JobRow;
    const held = await hold(tx, attempt, runId);
    if (!(await endAttempt(tx, attemptId, token, exit))) {
      if (await keepLateExit(tx, attemptId, token, exit))
        await recordEvent(tx, {
          type: 'attempt.late',
          boxId,
          payload: { attemptId, reason: exit.reason, metric: exit.metric },
        });
      return { release: true, runId: null };
    }
    await tellSourceChanged(tx, runId, attempt, exit);
    const outcome = await holdToRuler(tx, held.run, attempt, exit, judgeExit(exit, held.run?.spec.metric ?? null));
    // What never trained may have told too little: its fingerprint would be no other job's.
    const isTold = outcome.reason === 'completed' || exit.phases.some((phase) => phase.phase === 'train');
    const fingerprint =
      held.run && held.box && isTold
        ? fingerprintOf(held.box, { ...budgetOf(held.run.spec, held.job.role), told: exit.fingerprint })
        : null;
    if (outcome.reason === 'agent_refused') await insertRefusal(tx, held.job, boxId, outcome.detail);
    const isRoomier = outcome.reason === 'disk_filled' && (await hasRoomierBox(tx, held.run, held.job, attempt));
    await settleAttempt(tx, attempt, held, outcome, {
      startedAt: exit.startedAt,
      fingerprint,
      hasRoomierBox: isRoomier,
    });
    return { release: true, runId };
  });
}

/** Takes a live attempt away from a box that no longer has it, or that has been silent too long; its job is given out again. */
export async function loseAttempt(
  db: Db,
  attempt: AttemptRow,
  runId: string,
  why: { reason: JobReason; detail: string },
): Promise<void> {
  await db.transaction(async (tx) => {
    const held = await hold(tx, attempt, runId);
    if (!(await fenceAttempt(tx, attempt.id))) return;
    await settleAttempt(tx, attempt, held, { ...why, metric: null }, { startedAt: null, fingerprint: null });
  });
}

// In the order that db/queries/locks.ts states. The run's lock comes before the first write: transaction ids, by which readers order
// events, then follow what caused what.
async function hold(tx: Tx, attempt: AttemptRow, runId: string) {
  const run = await lockRun(tx, runId, { skip: false });
  const box = await lockBox(tx, attempt.boxId);
  return { run, box, job: (await lockJob(tx, attempt.jobId)) as JobRow };
}
