import { eq } from 'drizzle-orm';
import type { EarlierSession } from '@nightshift/protocol';
import type { Queryable } from '../rows.js';
import { earlierSessions } from '../schema.js';

export async function insertEarlierSession(q: Queryable, runId: string, session: EarlierSession): Promise<void> {
  await q.insert(earlierSessions).values({ runId, session });
}

/** The rows of the session that a run continues, with what is known of their commits; null for a run that continues none. */
export async function findEarlierSession(q: Queryable, runId: string): Promise<EarlierSession | null> {
  const [row] = await q
    .select({ session: earlierSessions.session })
    .from(earlierSessions)
    .where(eq(earlierSessions.runId, runId));
  return row?.session ?? null;
}
