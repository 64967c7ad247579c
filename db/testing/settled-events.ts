import { setTimeout } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { Queryable } from '../rows.js';
import { listEvents, type EventRecord } from '../queries/events.js';

/**
 * Until all events that are written can be read: `listEvents` holds back what a transaction that still runs anywhere in the cluster
 * might precede, and tests share a cluster.
 */
export async function settle(q: Queryable): Promise<void> {
  for (;;) {
    const [held] = await q.execute(
      sql`select 1 from events where txid >= pg_snapshot_xmin(pg_current_snapshot()) limit 1`,
    );
    if (!held) return;
    await setTimeout(5);
  }
}

/** Events once they have settled. */
export async function settledEvents(q: Queryable, filter: Parameters<typeof listEvents>[1]): Promise<EventRecord[]> {
  await settle(q);
  return listEvents(q, filter);
}
