import { and, asc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import type { Queryable, Tx } from '../rows.js';
import { attempts, logChunks } from '../schema.js';

/**
 * Appends bytes that begin at `offset` to an attempt's log. Bytes already there are skipped, a gap writes nothing.
 * @returns the durable end of the log, or null when the attempt is unknown or the token is stale.
 */
export async function appendLog(
  tx: Tx,
  attemptId: string,
  token: string,
  offset: number,
  data: Buffer,
): Promise<number | null> {
  const [row] = await tx
    .select({ logBytes: attempts.logBytes })
    .from(attempts)
    .where(and(eq(attempts.id, attemptId), eq(attempts.token, token), inArray(attempts.state, ['assigned', 'running'])))
    .for('update');
  if (!row) return null;
  const end = offset + data.length;
  if (offset > row.logBytes || end <= row.logBytes) return row.logBytes;
  const fresh = data.subarray(row.logBytes - offset);
  await tx.insert(logChunks).values({ attemptId, offset: row.logBytes, data: fresh });
  await tx.update(attempts).set({ logBytes: end }).where(eq(attempts.id, attemptId));
  return end;
}

/** Bytes [from, to) of an attempt's log, as far as they are there. */
export async function readLog(q: Queryable, attemptId: string, from: number, to: number): Promise<Buffer> {
  if (to <= from) return Buffer.alloc(0);
  // Cut where they lie: a chunk may hold half a megabyte, and a reader may want its last line.
  const rows = await q
    .select({
      data: sql<Buffer>`substring(${logChunks.data}
        from greatest(0, ${from}::bigint - ${logChunks.offset})::integer + 1
        for (${to}::bigint - greatest(${logChunks.offset}, ${from}::bigint))::integer)`,
    })
    .from(logChunks)
    .where(
      and(
        eq(logChunks.attemptId, attemptId),
        lt(logChunks.offset, to),
        gt(sql`${logChunks.offset} + octet_length(${logChunks.data})`, from),
      ),
    )
    .orderBy(asc(logChunks.offset));
  return Buffer.concat(rows.map((row) => row.data));
}
