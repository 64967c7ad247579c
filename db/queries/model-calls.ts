import { asc, eq, sum } from 'drizzle-orm';
import { newId } from '../id.js';
import type { ModelCallRow, Queryable } from '../rows.js';
import { modelCalls } from '../schema.js';

export async function insertModelCall(
  q: Queryable,
  call: Omit<typeof modelCalls.$inferInsert, 'id' | 'createdAt'>,
): Promise<ModelCallRow> {
  const [row] = await q
    .insert(modelCalls)
    .values({ id: newId('call'), ...call })
    .returning();
  return row as ModelCallRow;
}

export function listModelCallsOfRun(q: Queryable, runId: string): Promise<ModelCallRow[]> {
  return q.select().from(modelCalls).where(eq(modelCalls.runId, runId)).orderBy(asc(modelCalls.id));
}

export function listModelCallsOfIteration(q: Queryable, iterationId: string): Promise<ModelCallRow[]> {
  return q.select().from(modelCalls).where(eq(modelCalls.iterationId, iterationId)).orderBy(asc(modelCalls.id));
}

/** How long each call of a run took, without what was said. */
export function listModelCallTimes(
  q: Queryable,
  runId: string,
): Promise<Pick<ModelCallRow, 'iterationId' | 'latencyMs'>[]> {
  return q
    .select({ iterationId: modelCalls.iterationId, latencyMs: modelCalls.latencyMs })
    .from(modelCalls)
    .where(eq(modelCalls.runId, runId));
}

/** US dollars of all calls of a run; null when no call has a price. */
export async function sumModelCostUsd(q: Queryable, runId: string): Promise<number | null> {
  const [row] = await q
    .select({ sum: sum(modelCalls.costUsd).mapWith(Number) })
    .from(modelCalls)
    .where(eq(modelCalls.runId, runId));
  return row?.sum ?? null;
}
