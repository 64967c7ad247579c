import { and, asc, eq, gt, isNull, lte, or, sql } from 'drizzle-orm';
import { newId } from '../id.js';
import type { Queryable, WebhookRow } from '../rows.js';
import { webhooks } from '../schema.js';

export async function insertWebhook(
  q: Queryable,
  hook: { url: string; secret: string; types: string[]; cursor: string },
): Promise<WebhookRow> {
  const [row] = await q
    .insert(webhooks)
    .values({ id: newId('hook'), ...hook })
    .returning();
  return row as WebhookRow;
}

export function listWebhooks(q: Queryable, page: { after?: string | undefined; limit: number }): Promise<WebhookRow[]> {
  return q
    .select()
    .from(webhooks)
    .where(page.after === undefined ? undefined : gt(webhooks.id, page.after))
    .orderBy(asc(webhooks.id))
    .limit(page.limit);
}

export async function deleteWebhook(q: Queryable, id: string): Promise<boolean> {
  const rows = await q.delete(webhooks).where(eq(webhooks.id, id)).returning({ id: webhooks.id });
  return rows.length === 1;
}

const isDue = and(isNull(webhooks.disabledAt), or(isNull(webhooks.notBefore), lte(webhooks.notBefore, sql`now()`)));

/** Webhooks that nobody holds and that wait for nothing. */
export function listDueWebhooks(q: Queryable): Promise<WebhookRow[]> {
  return q.select().from(webhooks).where(isDue).orderBy(asc(webhooks.id));
}

/** `not_before` doubles as the lease: whoever set it, and only they, may change the row until it has passed. */
const until = (ms: number) => sql`date_trunc('milliseconds', now() + make_interval(secs => ${ms / 1000}))`;

/** Takes a due webhook for `leaseMs`; undefined when another replica was faster or its cursor has moved (stale). */
export async function claimWebhook(
  q: Queryable,
  hook: Pick<WebhookRow, 'id' | 'cursor'>,
  leaseMs: number,
): Promise<WebhookRow | undefined> {
  const [row] = await q
    .update(webhooks)
    .set({ notBefore: until(leaseMs) })
    .where(and(eq(webhooks.id, hook.id), eq(webhooks.cursor, hook.cursor), isDue))
    .returning();
  return row;
}

const isHeld = (hook: WebhookRow) =>
  and(
    eq(webhooks.id, hook.id),
    eq(webhooks.cursor, hook.cursor),
    sql`${webhooks.notBefore} = ${hook.notBefore?.toISOString() ?? null}::timestamptz`,
  );

/** Moves the cursor past a delivered event and holds the webhook for `leaseMs` more (0 gives it back); undefined when it is no longer held. */
export async function advanceWebhook(
  q: Queryable,
  hook: WebhookRow,
  cursor: string,
  leaseMs: number,
): Promise<WebhookRow | undefined> {
  const [row] = await q
    .update(webhooks)
    .set({ cursor, failures: 0, notBefore: leaseMs === 0 ? null : until(leaseMs) })
    .where(isHeld(hook))
    .returning();
  return row;
}

/** Counts a failed delivery; the next try waits `delayMs`, or never comes when that is null. False when it is no longer held. */
export async function failWebhook(q: Queryable, hook: WebhookRow, delayMs: number | null): Promise<boolean> {
  const rows = await q
    .update(webhooks)
    .set({
      failures: sql`${webhooks.failures} + 1`,
      ...(delayMs === null ? { disabledAt: sql`now()`, notBefore: null } : { notBefore: until(delayMs) }),
    })
    .where(isHeld(hook))
    .returning({ id: webhooks.id });
  return rows.length === 1;
}
