import { and, eq, isNull, lt, sql } from 'drizzle-orm';
import type { Queryable } from '../rows.js';
import { idempotencyKeys } from '../schema.js';

export type IdempotencyClaim =
  | { kind: 'claimed' }
  | { kind: 'mismatch' }
  | { kind: 'in_progress' }
  | { kind: 'unknown' }
  | { kind: 'replay'; status: number; body: unknown };

/**
 * Claims a key for a request (method, path and body hash), or says what became of it. A claim without an answer after a minute was left by
 * a crash: nobody knows whether its request did something, so it is never made again. A day later the key is free for anything.
 */
export async function claimIdempotencyKey(
  q: Queryable,
  tokenId: string,
  key: string,
  request: string,
): Promise<IdempotencyClaim> {
  const inserted = await q
    .insert(idempotencyKeys)
    .values({ tokenId, key, request })
    .onConflictDoUpdate({
      target: [idempotencyKeys.tokenId, idempotencyKeys.key],
      set: { request, createdAt: sql`now()` },
      setWhere: and(isNull(idempotencyKeys.status), lt(idempotencyKeys.createdAt, sql`now() - interval '24 hours'`))!,
    })
    .returning({ key: idempotencyKeys.key });
  if (inserted.length === 1) return { kind: 'claimed' };
  const [row] = await q
    .select({
      request: idempotencyKeys.request,
      status: idempotencyKeys.status,
      body: idempotencyKeys.body,
      isOld: sql<boolean>`${idempotencyKeys.createdAt} < now() - interval '1 minute'`,
    })
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.tokenId, tokenId), eq(idempotencyKeys.key, key)));
  if (!row) return { kind: 'in_progress' };
  if (row.request !== request) return { kind: 'mismatch' };
  if (row.status === null) return { kind: row.isOld ? 'unknown' : 'in_progress' };
  return { kind: 'replay', status: row.status, body: row.body };
}

export async function storeIdempotentAnswer(
  q: Queryable,
  tokenId: string,
  key: string,
  answer: { status: number; body: unknown },
): Promise<void> {
  await q
    .update(idempotencyKeys)
    .set(answer)
    .where(and(eq(idempotencyKeys.tokenId, tokenId), eq(idempotencyKeys.key, key)));
}

/** Frees a key whose request failed, so that it can be tried again. */
export async function releaseIdempotencyKey(q: Queryable, tokenId: string, key: string): Promise<void> {
  await q
    .delete(idempotencyKeys)
    .where(and(eq(idempotencyKeys.tokenId, tokenId), eq(idempotencyKeys.key, key), isNull(idempotencyKeys.status)));
}
