import { createHash } from 'node:crypto';
import { and, asc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import type { ArchiveRow, Queryable, Tx } from '../rows.js';
import { archiveChunks, archives, runs } from '../schema.js';

export async function findArchive(q: Queryable, id: string): Promise<ArchiveRow | undefined> {
  const [row] = await q.select().from(archives).where(eq(archives.id, id));
  return row;
}

/** The same, held until the transaction ends: no clean-up takes it away from under a run that is being made. */
export async function holdArchive(tx: Tx, id: string): Promise<ArchiveRow | undefined> {
  const [row] = await tx.select().from(archives).where(eq(archives.id, id)).for('share');
  return row;
}

/** Whether a run was made of this upload: one that is not there any more was deleted. */
export async function wasArchiveUsed(q: Queryable, id: string): Promise<boolean> {
  const rows = await q
    .select({ id: runs.id })
    .from(runs)
    .where(sql`spec -> 'source' ->> 'kind' = 'archive' and spec -> 'source' ->> 'id' = ${id}`)
    .limit(1);
  return rows.length > 0;
}

/**
 * Deletes uploads that no unfinished run needs, and that nobody sent and no run used for so many days; a hundred at a time.
 * @returns how many there were.
 */
export async function deleteOldArchives(tx: Tx, keepDays: number): Promise<number> {
  const isOver = sql`
    not exists (
      select from runs where spec -> 'source' ->> 'kind' = 'archive' and spec -> 'source' ->> 'id' = archives.id
        and (ended_at is null or ended_at > now() - make_interval(days => ${keepDays})))`;
  const held = await tx
    .select({ id: archives.id })
    .from(archives)
    .where(sql`created_at < now() - make_interval(days => ${keepDays}) and ${isOver}`)
    .orderBy(asc(archives.id))
    .limit(100)
    .for('update', { skipLocked: true });
  // Asked again under the lock: a run may have been made since.
  const ids = held.map(({ id }) => id);
  const old = await tx
    .select({ id: archives.id })
    .from(archives)
    .where(and(inArray(archives.id, ids), isOver));
  if (old.length === 0) return 0;
  const gone = old.map(({ id }) => id);
  await tx.delete(archiveChunks).where(inArray(archiveChunks.archiveId, gone));
  await tx.delete(archives).where(inArray(archives.id, gone));
  return gone.length;
}

export type ArchiveAppend =
  | { kind: 'stored'; archive: ArchiveRow }
  /** The bytes begin after what is there: go on from `received`. */
  | { kind: 'gap'; archive: ArchiveRow }
  /** The id is known with another size, or the bytes would go beyond it. */
  | { kind: 'size'; archive: ArchiveRow }
  /** All bytes are there and do not have the SHA-256 of the id: they are thrown away. */
  | { kind: 'hash' };

/**
 * Appends bytes that begin at `offset` to an archive, which is made by its first ones. Bytes already there are skipped, and still say
 * that somebody needs it: `created_at` is when it was sent last, which is what its clean-up goes by.
 */
export async function appendArchive(
  tx: Tx,
  { id, size, offset, data }: { id: string; size: number; offset: number; data: Buffer },
): Promise<ArchiveAppend> {
  await tx.insert(archives).values({ id, size }).onConflictDoNothing();
  const [archive] = await tx.select().from(archives).where(eq(archives.id, id)).for('update');
  if (!archive) throw new Error(`archive ${id} vanished`);
  const end = offset + data.length;
  if (archive.size !== size || end > size) return { kind: 'size', archive };
  if (offset > archive.received) return { kind: 'gap', archive };
  if (end <= archive.received) {
    await tx
      .update(archives)
      .set({ createdAt: sql`now()` })
      .where(eq(archives.id, id));
    return { kind: 'stored', archive };
  }
  await tx
    .insert(archiveChunks)
    .values({ archiveId: id, offset: archive.received, data: data.subarray(archive.received - offset) });
  if (end === size && (await hashOf(tx, id)) !== id) {
    await tx.delete(archiveChunks).where(eq(archiveChunks.archiveId, id));
    await tx.delete(archives).where(eq(archives.id, id));
    return { kind: 'hash' };
  }
  const [stored] = await tx
    .update(archives)
    .set({ received: end, createdAt: sql`now()`, ...(end === size ? { completedAt: sql`now()` } : {}) })
    .where(eq(archives.id, id))
    .returning();
  return { kind: 'stored', archive: stored as ArchiveRow };
}

/** Bytes [from, to) of an archive, as far as they are there. */
export async function readArchive(q: Queryable, id: string, from: number, to: number): Promise<Buffer> {
  const rows = await q
    .select({ offset: archiveChunks.offset, data: archiveChunks.data })
    .from(archiveChunks)
    .where(
      and(
        eq(archiveChunks.archiveId, id),
        lt(archiveChunks.offset, to),
        gt(sql`${archiveChunks.offset} + octet_length(${archiveChunks.data})`, from),
      ),
    )
    .orderBy(asc(archiveChunks.offset));
  return Buffer.concat(
    rows.map(({ offset, data }) => data.subarray(Math.max(0, from - offset), Math.min(data.length, to - offset))),
  );
}

async function hashOf(tx: Tx, id: string): Promise<string> {
  const hash = createHash('sha256');
  const offsets = await tx
    .select({ offset: archiveChunks.offset })
    .from(archiveChunks)
    .where(eq(archiveChunks.archiveId, id))
    .orderBy(asc(archiveChunks.offset));
  // One at a time: an archive need not fit into memory twice.
  for (const { offset } of offsets) {
    const [chunk] = await tx
      .select({ data: archiveChunks.data })
      .from(archiveChunks)
      .where(and(eq(archiveChunks.archiveId, id), eq(archiveChunks.offset, offset)));
    if (chunk) hash.update(chunk.data);
  }
  return hash.digest('hex');
}
