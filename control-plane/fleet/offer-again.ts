import { listUnaccepted, type Db } from '@nightshift/db';
import { OFFER_AGAIN_MS } from './deps.js';
import type { Session } from './session.js';
import { specFor } from './spec-for.js';

/**
 * Offers again, with the same token, what a connected box was offered and has not accepted for a while: the frame may have gone into a
 * socket that was dead already, here or at another replica. An agent that has it answers `accepted` again.
 */
export async function offerAgain(db: Db, sessions: Iterable<Session>): Promise<void> {
  const ready = new Map([...sessions].filter((session) => session.isReady).map((session) => [session.boxId, session]));
  for (const { attempt, job, run } of await listUnaccepted(db, [...ready.keys()], OFFER_AGAIN_MS))
    ready.get(attempt.boxId)?.send({ type: 'assign', job: await specFor(db, run, job, attempt) });
}
