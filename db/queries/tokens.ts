import { createHash } from 'node:crypto';
import { and, desc, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import { newId } from '../id.js';
import type { Db, Queryable, TokenRow } from '../rows.js';
import { tokens } from '../schema.js';

/** What is stored of a secret. Secrets have 192 random bits, so a plain SHA-256 cannot be searched. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export async function insertToken(
  q: Queryable,
  token: {
    kind: TokenRow['kind'];
    secret: string;
    name: string;
    scopes?: string[];
    boxId?: string;
    expiresAt?: Date | null;
  },
): Promise<TokenRow> {
  const [row] = await q
    .insert(tokens)
    .values({
      id: newId('tok'),
      kind: token.kind,
      hash: hashSecret(token.secret),
      name: token.name,
      scopes: token.scopes ?? [],
      boxId: token.boxId ?? null,
      expiresAt: token.expiresAt ?? null,
    })
    .returning();
  return row as TokenRow;
}

const valid = and(isNull(tokens.revokedAt), or(isNull(tokens.expiresAt), gt(tokens.expiresAt, sql`now()`)));

/** The token of a secret, when it is neither revoked nor expired. */
export async function findToken(q: Queryable, secret: string, kind: TokenRow['kind']): Promise<TokenRow | undefined> {
  const [row] = await q
    .select()
    .from(tokens)
    .where(and(eq(tokens.hash, hashSecret(secret)), eq(tokens.kind, kind), valid));
  return row;
}

/** Uses up an enrolment token: only the first caller gets it. */
export async function consumeEnrolment(q: Queryable, secret: string): Promise<TokenRow | undefined> {
  const [row] = await q
    .update(tokens)
    .set({ usedAt: sql`now()` })
    .where(and(eq(tokens.hash, hashSecret(secret)), eq(tokens.kind, 'enrolment'), isNull(tokens.usedAt), valid))
    .returning();
  return row;
}

export function listTokens(q: Queryable, page: { before?: string | undefined; limit: number }): Promise<TokenRow[]> {
  return q
    .select()
    .from(tokens)
    .where(page.before === undefined ? undefined : lt(tokens.id, page.before))
    .orderBy(desc(tokens.id))
    .limit(page.limit);
}

export async function revokeToken(q: Queryable, id: string): Promise<boolean> {
  const rows = await q
    .update(tokens)
    .set({ revokedAt: sql`coalesce(${tokens.revokedAt}, now())` })
    .where(eq(tokens.id, id))
    .returning({ id: tokens.id });
  return rows.length === 1;
}

/** Revokes every credential of a box that is removed. */
export async function revokeTokensOfBox(q: Queryable, boxId: string): Promise<void> {
  await q
    .update(tokens)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(tokens.boxId, boxId), isNull(tokens.revokedAt)));
}

/** Any number, the same in every control plane: whoever holds it alone may make the first token. */
const FIRST_TOKEN_LOCK = 4_862_019_337;

/** Makes the administrator's token while no usable API token exists; false when there is one. Of several control planes at once, one does. */
export async function insertFirstToken(db: Db, secret: string): Promise<boolean> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${FIRST_TOKEN_LOCK}::bigint)`);
    const rows = await tx
      .select({ id: tokens.id })
      .from(tokens)
      .where(and(eq(tokens.kind, 'api'), valid))
      .limit(1);
    if (rows.length > 0) return false;
    await insertToken(tx, { kind: 'api', secret, name: 'first administrator', scopes: ['admin'] });
    return true;
  });
}
