import { and, asc, desc, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../rows.js';
import { events } from '../schema.js';

export interface NewEvent {
  type: string;
  runId?: string | null;
  boxId?: string | null;
  payload?: Record<string, unknown>;
}

/** An event as readers see it. `cursor` is opaque and goes back in as `after` (SSE's Last-Event-ID). */
export interface EventRecord {
  cursor: string;
  type: string;
  runId: string | null;
  boxId: string | null;
  payload: Record<string, unknown>;
  createdAt: string;
}

/** Writes an event in the transaction of the state change that it tells of. */
export async function recordEvent(q: Queryable, event: NewEvent): Promise<void> {
  await q
    .insert(events)
    .values({ type: event.type, runId: event.runId ?? null, boxId: event.boxId ?? null, payload: event.payload ?? {} });
}

/** Several of them, in one statement. */
export async function recordEvents(q: Queryable, news: NewEvent[]): Promise<void> {
  if (news.length === 0) return;
  await q.insert(events).values(
    news.map((event) => ({
      type: event.type,
      runId: event.runId ?? null,
      boxId: event.boxId ?? null,
      payload: event.payload ?? {},
    })),
  );
}

const CURSOR = /^(\d{1,20})-(\d{1,19})$/;

/** True when text is a cursor that `listEvents` gave out. */
export function isEventCursor(text: string): boolean {
  const [, txid, id] = CURSOR.exec(text) ?? [];
  return txid !== undefined && id !== undefined && BigInt(txid) < 2n ** 64n && BigInt(id) < 2n ** 63n;
}

/**
 * Events after a cursor, in the order of their transactions. Events of transactions that may still be overtaken by an older,
 * open one are held back, so that reading on from the last cursor never misses a late commit.
 */
export async function listEvents(
  q: Queryable,
  filter: { after?: string | undefined; runId?: string | undefined; types?: string[] | undefined; limit: number },
): Promise<EventRecord[]> {
  const match = filter.after === undefined ? null : CURSOR.exec(filter.after);
  const rows = await q.execute<{
    cursor: string;
    type: string;
    run_id: string | null;
    box_id: string | null;
    payload: Record<string, unknown>;
    created_at: string;
  }>(sql`
    select txid::text || '-' || id::text as cursor, type, run_id, box_id, payload,
      to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as created_at
    from events
    where txid < pg_snapshot_xmin(pg_current_snapshot())
      ${match ? sql`and (txid, id) > (${match[1]}::text::xid8, ${match[2]}::bigint)` : sql``}
      ${filter.runId === undefined ? sql`` : sql`and run_id = ${filter.runId}`}
      ${filter.types === undefined ? sql`` : sql`and type = any(${`{${filter.types.map((t) => JSON.stringify(t)).join(',')}}`}::text[])`}
    order by txid, id
    limit ${filter.limit}`);
  return [...rows].map((row) => ({
    cursor: row.cursor,
    type: row.type,
    runId: row.run_id,
    boxId: row.box_id,
    payload: row.payload,
    createdAt: row.created_at,
  }));
}

/** What the first event of a type in a run says; undefined when there was none yet. */
export function findFirstEvent(q: Queryable, runId: string, type: string) {
  return findEvent(q, runId, type, asc);
}

/** What the last one says. */
export function findLastEvent(q: Queryable, runId: string, type: string) {
  return findEvent(q, runId, type, desc);
}

async function findEvent(
  q: Queryable,
  runId: string,
  type: string,
  order: typeof asc,
): Promise<Record<string, unknown> | undefined> {
  const [row] = await q
    .select({ payload: events.payload })
    .from(events)
    .where(and(eq(events.runId, runId), eq(events.type, type)))
    .orderBy(order(events.txid), order(events.id))
    .limit(1);
  return row?.payload;
}

/** The newest cursor that readers can see: where to begin when only what comes next is wanted. */
export async function latestEventCursor(q: Queryable): Promise<string> {
  const rows = await q.execute<{ cursor: string }>(sql`
    select txid::text || '-' || id::text as cursor from events
    where txid < pg_snapshot_xmin(pg_current_snapshot()) order by txid desc, id desc limit 1`);
  return rows[0]?.cursor ?? '0-0';
}

/** Wakes whoever listens on other replicas, after commit. A hint that saves time: the sweep finds what it misses. */
export async function notifyReplicas(q: Queryable, hint: string): Promise<void> {
  await q.execute(sql`select pg_notify('nightshift', ${hint})`);
}
