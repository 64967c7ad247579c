import { and, asc, eq, gt, lt, sql } from 'drizzle-orm';
import type { Queryable } from '../rows.js';
import { logChunks } from '../schema.js';

/**
 * Appends bytes that begin at `offset` to an attempt's log. Bytes already there are skipped, a gap writes nothing. One statement: on a
 * busy machine the round trips of a transaction cost more than the bytes.
 * @returns the durable end of the log, or null when the attempt is unknown or the token is stale.
 */
export async function appendLog(
  q: Queryable,
  attemptId: string,
  token: string,
  offset: number,
  data: Buffer,
): Promise<number | null> {
  const end = offset + data.length;
  const rows = await q.execute<{ log_bytes: string | null }>(sql`
    with held as (
      select log_bytes from attempts
      where id = ${attemptId} and token = ${token} and state in ('assigned', 'running') for update),
    fresh as (
      select log_bytes as at, substring(${data}::bytea from (log_bytes - ${offset}::bigint + 1)::integer) as data from held
      where ${offset}::bigint <= log_bytes and ${end}::bigint > log_bytes),
    put as (insert into log_chunks (attempt_id, "offset", data) select ${attemptId}, at, data from fresh),
    moved as (
      update attempts set log_bytes = ${end}::bigint where id = ${attemptId} and exists (select from fresh)
      returning log_bytes)
    select coalesce((select log_bytes from moved), (select log_bytes from held)) as log_bytes`);
  const durable = rows[0]?.log_bytes;
  return durable === null || durable === undefined ? null : Number(durable);
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
