import type { ControlFrameOf, FrameOf, JobSpec } from '@nightshift/protocol';
import {
  findAttempt,
  listLiveAttempts,
  markBoxSeen,
  markReleased,
  recordEvent,
  type AttemptRow,
  type Db,
} from '@nightshift/db';
import { loseAttempt } from './finish-attempt.js';
import { specFor } from './spec-for.js';

type Known = ControlFrameOf<'welcome'>['attempts'][number];

export interface Greeting {
  attempts: Known[];
  /** Attempts that were offered and never accepted: offered again, with the same token. */
  offers: JobSpec[];
  runIds: string[];
}

/**
 * Compares what a box says it has with what the database says it should have. What the box has and should not is stopped;
 * what it should have and has lost is given out again; what it was offered and did not get is offered again.
 */
export async function greet(db: Db, boxId: string, hello: FrameOf<'hello'>): Promise<Greeting | null> {
  const gone: { attempt: AttemptRow; runId: string }[] = [];
  const greeting = await db.transaction(async (tx): Promise<Greeting | null> => {
    const seen = await markBoxSeen(tx, boxId, {
      facts: hello.facts,
      dirtyPids: hello.dirty,
      freeSlots: hello.freeSlots,
    });
    if (!seen) return null;
    if (seen.wasUnreachable) await recordEvent(tx, { type: 'box.online', boxId });
    const greeting: Greeting = { attempts: [], offers: [], runIds: [] };
    for (const told of hello.attempts) {
      const row = await findAttempt(tx, told.attemptId);
      const isOurs = row !== undefined && row.boxId === boxId && row.token === told.token;
      const known = {
        attemptId: told.attemptId,
        token: told.token,
        logOffset: row?.logBytes ?? 0,
        metricSeq: row?.metricCount ?? 0,
      };
      if (!isOurs) greeting.attempts.push({ ...known, disposition: 'stop' });
      else if (row.state === 'assigned' || row.state === 'running')
        greeting.attempts.push({ ...known, disposition: 'continue' });
      else if (row.state === 'fenced' && row.exit === null) greeting.attempts.push({ ...known, disposition: 'stop' });
      else {
        await markReleased(tx, row.id);
        greeting.attempts.push({ ...known, disposition: 'release' });
      }
    }
    const has = new Set(hello.attempts.map((attempt) => attempt.attemptId));
    for (const { attempt, job, run } of await listLiveAttempts(tx, boxId)) {
      if (has.has(attempt.id)) continue;
      if (attempt.acceptedAt === null) greeting.offers.push(await specFor(tx, run, job, attempt));
      else gone.push({ attempt, runId: run.id });
    }
    return greeting;
  });
  // Not under the box's lock: each takes its run's first. What fails here is found again by the next hello.
  for (const { attempt, runId } of gone) {
    const detail = 'the box came back without the job: its directory is gone';
    await loseAttempt(db, attempt, runId, { reason: 'box_lost', detail });
    greeting?.runIds.push(runId);
  }
  return greeting;
}
