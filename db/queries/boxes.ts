import { and, asc, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import type { BoxFacts } from '@nightshift/protocol';
import { newId } from '../id.js';
import type { BoxRow, Queryable } from '../rows.js';
import { boxes } from '../schema.js';

/** Adds a box; undefined when its name is taken, by a box that enrols at this moment too. */
export async function insertBox(
  q: Queryable,
  box: { name: string; labels: string[]; facts: BoxFacts | null },
): Promise<BoxRow | undefined> {
  const [row] = await q
    .insert(boxes)
    .values({ id: newId('box'), ...box })
    .onConflictDoNothing()
    .returning();
  return row;
}

export async function findBox(q: Queryable, idOrName: string): Promise<BoxRow | undefined> {
  const [row] = await q
    .select()
    .from(boxes)
    .where(and(sql`(${boxes.id} = ${idOrName} or ${boxes.name} = ${idOrName})`, isNull(boxes.removedAt)));
  return row;
}

/** A box by its id, a removed one included. */
export async function findBoxById(q: Queryable, id: string): Promise<BoxRow | undefined> {
  const [row] = await q.select().from(boxes).where(eq(boxes.id, id));
  return row;
}

export function listBoxes(q: Queryable, page: { after?: string | undefined; limit: number }): Promise<BoxRow[]> {
  return q
    .select()
    .from(boxes)
    .where(and(isNull(boxes.removedAt), page.after === undefined ? undefined : gt(boxes.id, page.after)))
    .orderBy(asc(boxes.id))
    .limit(page.limit);
}

/** The box spoke. Gives back whether it was unreachable before. */
export async function markBoxSeen(
  q: Queryable,
  id: string,
  seen: { facts?: BoxFacts; dirtyPids?: number[]; freeSlots?: number },
): Promise<{ wasUnreachable: boolean } | undefined> {
  const rows = await q.execute<{ previous: string }>(sql`
    update boxes set state = 'online', last_seen_at = now(),
      facts = coalesce(${seen.facts === undefined ? null : JSON.stringify(seen.facts)}::text::jsonb, facts),
      dirty_pids = coalesce(${seen.dirtyPids === undefined ? null : `{${seen.dirtyPids.join(',')}}`}::integer[], dirty_pids),
      free_slots = coalesce(${seen.freeSlots ?? null}::integer, free_slots)
    from (select state from boxes where id = ${id} for update) as before
    where boxes.id = ${id} and boxes.removed_at is null
    returning before.state as previous`);
  const row = rows[0];
  return row === undefined ? undefined : { wasUnreachable: row.previous === 'unreachable' };
}

/** Boxes that were online and have been silent for `afterMs` become unreachable. Their jobs go on. */
export async function markSilentBoxes(q: Queryable, afterMs: number): Promise<string[]> {
  const rows = await q
    .update(boxes)
    .set({ state: 'unreachable' })
    .where(and(eq(boxes.state, 'online'), lt(boxes.lastSeenAt, sql`now() - make_interval(secs => ${afterMs / 1000})`)))
    .returning({ id: boxes.id });
  return rows.map((row) => row.id);
}

export async function updateBox(
  q: Queryable,
  id: string,
  patch: Partial<
    Pick<BoxRow, 'isCordoned' | 'cordonReason' | 'isDraining' | 'infraFailures' | 'removedAt' | 'labels' | 'name'>
  >,
): Promise<BoxRow | undefined> {
  const [row] = await q
    .update(boxes)
    .set(patch)
    .where(and(eq(boxes.id, id), isNull(boxes.removedAt)))
    .returning();
  return row;
}
