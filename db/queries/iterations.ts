import { and, asc, count, desc, eq, gt, inArray, isNotNull, lt, ne, or, sql } from 'drizzle-orm';
import {
  ITERATION_MOVES,
  type BlockedTry,
  type OutweighedTry,
  type Config,
  type Decision,
  type IterationState,
  type Proposal,
  type ProposerKind,
  type Screening,
} from '@nightshift/protocol';
import { newId } from '../id.js';
import type { IterationRow, Queryable, Tx } from '../rows.js';
import { iterations } from '../schema.js';

/** Inserts the next iteration of a run. The caller holds the run's lock, so numbers have no gaps. */
export async function insertIteration(tx: Tx, runId: string): Promise<IterationRow> {
  const [row] = await tx
    .insert(iterations)
    .values({
      id: newId('itr'),
      runId,
      number: sql`(select coalesce(max(number), 0) + 1 from iterations where run_id = ${runId})`,
    })
    .returning();
  return row as IterationRow;
}

export async function findIteration(q: Queryable, runId: string, number: number): Promise<IterationRow | undefined> {
  const [row] = await q
    .select()
    .from(iterations)
    .where(and(eq(iterations.runId, runId), eq(iterations.number, number)));
  return row;
}

export async function findIterationById(q: Queryable, id: string): Promise<IterationRow | undefined> {
  const [row] = await q.select().from(iterations).where(eq(iterations.id, id));
  return row;
}

/** Iterations of a run in order; `after` is the number of the last one of the page before. */
export function listIterations(
  q: Queryable,
  runId: string,
  page: { limit?: number | undefined; after?: number | undefined } = {},
): Promise<IterationRow[]> {
  const query = q
    .select()
    .from(iterations)
    .where(and(eq(iterations.runId, runId), gt(iterations.number, page.after ?? 0)))
    .orderBy(asc(iterations.number));
  return page.limit === undefined ? query : query.limit(page.limit);
}

export function listOpenIterations(q: Queryable, runId: string): Promise<IterationRow[]> {
  return q
    .select()
    .from(iterations)
    .where(and(eq(iterations.runId, runId), inArray(iterations.state, ['proposing', 'accepted', 'measuring'])))
    .orderBy(asc(iterations.number));
}

/** How many iterations a run has had that were not cancelled. */
export async function countIterations(q: Queryable, runId: string): Promise<number> {
  const [row] = await q
    .select({ n: count() })
    .from(iterations)
    .where(and(eq(iterations.runId, runId), ne(iterations.state, 'cancelled')));
  return row?.n ?? 0;
}

/** How many candidates were decided (kept, reverted, inconclusive). */
export async function countDecided(q: Queryable, runId: string): Promise<number> {
  const [row] = await q
    .select({ n: count() })
    .from(iterations)
    .where(and(eq(iterations.runId, runId), inArray(iterations.state, ['kept', 'reverted', 'inconclusive'])));
  return row?.n ?? 0;
}

/** What screening said of a run's ended iterations and what became of them, oldest first. */
export async function listScreened(
  q: Queryable,
  runId: string,
): Promise<{ state: IterationState; screening: Screening; decision: Decision | null }[]> {
  const rows = await q
    .select({ state: iterations.state, screening: iterations.screening, decision: iterations.decision })
    .from(iterations)
    .where(and(eq(iterations.runId, runId), isNotNull(iterations.screening), isNotNull(iterations.endedAt)))
    .orderBy(asc(iterations.number));
  return rows.flatMap((row) => (row.screening === null ? [] : [{ ...row, screening: row.screening }]));
}

/** The states of the newest iterations that ended with a full training, decided or failed, newest first. */
export async function listMeasuredOutcomes(q: Queryable, runId: string, limit: number): Promise<IterationState[]> {
  const rows = await q
    .select({ state: iterations.state })
    .from(iterations)
    .where(and(eq(iterations.runId, runId), inArray(iterations.state, ['kept', 'reverted', 'inconclusive', 'failed'])))
    .orderBy(desc(iterations.number))
    .limit(limit);
  return rows.map((row) => row.state);
}

/** Takes the lease of a proposing iteration that nobody holds (or whose holder is dead); null when somebody does. */
export async function claimProposing(
  tx: Tx,
  id: string,
  lease: { token: string; leaseMs: number },
): Promise<IterationRow | undefined> {
  const [row] = await tx
    .update(iterations)
    .set({ leaseToken: lease.token, leaseUntil: sql`now() + make_interval(secs => ${lease.leaseMs / 1000})` })
    .where(
      and(
        eq(iterations.id, id),
        eq(iterations.state, 'proposing'),
        or(sql`${iterations.leaseUntil} is null`, lt(iterations.leaseUntil, sql`now()`)),
      ),
    )
    .returning();
  return row;
}

/** Prolongs a lease; false when it no longer holds. */
export async function renewLease(
  q: Queryable,
  id: string,
  lease: { token: string; leaseMs: number },
): Promise<boolean> {
  const rows = await q
    .update(iterations)
    .set({ leaseUntil: sql`now() + make_interval(secs => ${lease.leaseMs / 1000})` })
    .where(and(eq(iterations.id, id), eq(iterations.state, 'proposing'), eq(iterations.leaseToken, lease.token)))
    .returning({ id: iterations.id });
  return rows.length === 1;
}

/** Number of the last iteration that measured this configuration; null when none did. */
export async function lastIterationOf(q: Queryable, runId: string, configKey: string): Promise<number | null> {
  const [row] = await q
    .select({ number: iterations.number })
    .from(iterations)
    .where(
      and(
        eq(iterations.runId, runId),
        eq(iterations.configKey, configKey),
        inArray(iterations.state, ['kept', 'reverted', 'inconclusive']),
      ),
    )
    .orderBy(desc(iterations.number))
    .limit(1);
  return row?.number ?? null;
}

export interface AcceptedProposal {
  proposer: ProposerKind;
  proposal: Proposal;
  config: Config;
  configKey: string;
  comparatorKey: string;
  standsOn?: number | null;
  repeatOf: string | null;
  blocked: BlockedTry[];
  outweighed?: OutweighedTry[];
  belief: unknown;
  critique?: unknown;
  codeKey?: string | null;
  patch?: unknown;
}

/** Stores a proposal that passed the gate, if the lease token still holds; false when it is stale. */
export async function acceptProposal(
  q: Queryable,
  id: string,
  leaseToken: string,
  accepted: AcceptedProposal,
): Promise<boolean> {
  const rows = await q
    .update(iterations)
    .set({ standsOn: null, ...accepted, state: 'accepted', acceptedAt: sql`now()`, leaseToken: null, leaseUntil: null })
    .where(and(eq(iterations.id, id), eq(iterations.state, 'proposing'), eq(iterations.leaseToken, leaseToken)))
    .returning({ id: iterations.id });
  return rows.length === 1;
}

type IterationPatch = Partial<Omit<typeof iterations.$inferInsert, 'id' | 'runId' | 'number' | 'state'>>;

/** Moves an iteration from `from` to `to`; false when it was in another state, its lease is another's, or the move is not legal. */
export async function moveIteration(
  q: Queryable,
  id: string,
  from: IterationState,
  to: IterationState,
  patch: IterationPatch = {},
  leaseToken?: string,
): Promise<boolean> {
  if (!ITERATION_MOVES[from].includes(to)) return false;
  const rows = await q
    .update(iterations)
    .set({ leaseToken: null, leaseUntil: null, ...patch, state: to })
    .where(
      and(
        eq(iterations.id, id),
        eq(iterations.state, from),
        leaseToken === undefined ? undefined : eq(iterations.leaseToken, leaseToken),
      ),
    )
    .returning({ id: iterations.id });
  return rows.length === 1;
}

/** Stores what the cheap budget said of a candidate that gets the full one. */
export async function updateScreening(tx: Tx, id: string, screening: Screening): Promise<void> {
  await tx
    .update(iterations)
    .set({ screening })
    .where(and(eq(iterations.id, id), eq(iterations.state, 'measuring')));
}

const PARKED = 'parked';

/** Whether a proposing iteration is set aside until the next decision. */
export function isParked(iteration: IterationRow): boolean {
  return iteration.state === 'proposing' && iteration.leaseToken === PARKED;
}

/** Gives a proposing iteration back at once: somebody takes it up with fresh rows. */
export async function releaseProposing(q: Queryable, id: string, leaseToken: string): Promise<void> {
  await q
    .update(iterations)
    .set({ leaseToken: null, leaseUntil: null })
    .where(and(eq(iterations.id, id), eq(iterations.state, 'proposing'), eq(iterations.leaseToken, leaseToken)));
}

/** Sets a proposing iteration aside until the next decision: there is nothing new to propose now, but a keep may open new ground. */
export async function parkProposing(q: Queryable, id: string, leaseToken: string): Promise<boolean> {
  const rows = await q
    .update(iterations)
    .set({ leaseToken: PARKED, leaseUntil: sql`now() + interval '1 hour'` })
    .where(and(eq(iterations.id, id), eq(iterations.state, 'proposing'), eq(iterations.leaseToken, leaseToken)))
    .returning({ id: iterations.id });
  return rows.length === 1;
}

/** An iteration has ended: what was set aside may be proposed again. */
export async function unparkProposing(q: Queryable, runId: string): Promise<void> {
  await q
    .update(iterations)
    .set({ leaseToken: null, leaseUntil: null })
    .where(and(eq(iterations.runId, runId), eq(iterations.state, 'proposing'), eq(iterations.leaseToken, PARKED)));
}

/** How many vetoes of the critic stand or were overruled in a run so far: every so many-th is overruled, so that it can be scored. */
export async function countVetoes(q: Queryable, runId: string): Promise<number> {
  const rows = await q.execute<{ n: string }>(sql`
    select (select count(*) from events where run_id = ${runId} and type = 'critic.veto')
      + (select count(*) from iterations where run_id = ${runId} and (critique ->> 'isOverruled')::boolean) as n`);
  return Number(rows[0]?.n ?? 0);
}

/** Gives a proposing iteration back for later, with what was refused so far: nobody takes it up before `afterMs`. */
export async function deferProposing(
  q: Queryable,
  id: string,
  leaseToken: string,
  later: { afterMs: number; blocked: BlockedTry[] },
): Promise<boolean> {
  const rows = await q
    .update(iterations)
    .set({ leaseUntil: sql`now() + make_interval(secs => ${later.afterMs / 1000})`, blocked: later.blocked })
    .where(and(eq(iterations.id, id), eq(iterations.state, 'proposing'), eq(iterations.leaseToken, leaseToken)))
    .returning({ id: iterations.id });
  return rows.length === 1;
}
