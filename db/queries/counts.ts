import { sql } from 'drizzle-orm';
import type { Queryable } from '../rows.js';

/** Upper bounds in seconds of the buckets that model calls are counted in. */
export const MODEL_CALL_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] as const;

export interface StateCount {
  entity: 'run' | 'job' | 'box';
  state: string;
  count: number;
}

/** How many runs, jobs and boxes are in each state, removed boxes left out. */
export async function countStates(q: Queryable): Promise<StateCount[]> {
  const rows = await q.execute<{ entity: StateCount['entity']; state: string; count: string }>(sql`
    select 'run' as entity, state::text, count(*) from runs group by state
    union all select 'job', state::text, count(*) from jobs group by state
    union all select 'box', state, count(*) from boxes where removed_at is null group by state`);
  return [...rows].map((row) => ({ ...row, count: Number(row.count) }));
}

/** Model calls since the beginning, by outcome: how many, their seconds, and how many took at most each of MODEL_CALL_BUCKETS. */
export async function countModelCalls(
  q: Queryable,
): Promise<{ outcome: string; count: number; seconds: number; buckets: number[] }[]> {
  const within = sql.join(
    MODEL_CALL_BUCKETS.map((bound) => sql`count(*) filter (where latency_ms <= ${bound * 1000}::double precision)`),
    sql`, `,
  );
  const rows = await q.execute<{ outcome: string; count: string; ms: number; buckets: (string | number)[] }>(sql`
    select outcome, count(*), sum(latency_ms) as ms, to_jsonb(array[${within}]) as buckets from model_calls group by outcome`);
  return [...rows].map((row) => ({
    outcome: row.outcome,
    count: Number(row.count),
    seconds: row.ms / 1000,
    buckets: row.buckets.map(Number),
  }));
}

/** Answers when the database does. */
export async function pingDatabase(q: Queryable): Promise<void> {
  await q.execute(sql`select 1`);
}
