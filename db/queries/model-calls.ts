import { asc, eq, sql } from 'drizzle-orm';
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

/** What a run's model calls add up to. Token counts are null when no call reported any. */
export async function sumModelCalls(
  q: Queryable,
  runId: string,
): Promise<{ calls: number; seconds: number; promptTokens: number | null; completionTokens: number | null }> {
  const rows = await q.execute<{
    calls: string;
    ms: number | null;
    prompt: string | null;
    completion: string | null;
  }>(sql`
    select count(*) as calls, sum(latency_ms) as ms, sum(prompt_tokens) as prompt, sum(completion_tokens) as completion
    from model_calls where run_id = ${runId}`);
  const row = rows[0];
  return {
    calls: Number(row?.calls ?? 0),
    seconds: (row?.ms ?? 0) / 1000,
    promptTokens: row?.prompt == null ? null : Number(row.prompt),
    completionTokens: row?.completion == null ? null : Number(row.completion),
  };
}
