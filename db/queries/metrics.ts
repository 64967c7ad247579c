import { and, asc, eq, gte, inArray, sql } from 'drizzle-orm';
import { fromWireNumber, type FrameOf } from '@nightshift/protocol';
import type { MetricPointRow, Queryable, Tx } from '../rows.js';
import { attempts, metricPoints } from '../schema.js';

type WirePoint = FrameOf<'metrics'>['points'][number];

/**
 * Appends metric points whose first has number `seq`. Points already there are skipped, a gap writes nothing.
 * One statement with arrays: several times faster than a row builder.
 * @returns how many points are durable, or null when the attempt is unknown or the token is stale.
 */
export async function appendMetrics(
  tx: Tx,
  attemptId: string,
  token: string,
  seq: number,
  points: WirePoint[],
): Promise<number | null> {
  const [row] = await tx
    .select({ metricCount: attempts.metricCount })
    .from(attempts)
    .where(and(eq(attempts.id, attemptId), eq(attempts.token, token), inArray(attempts.state, ['assigned', 'running'])))
    .for('update');
  if (!row) return null;
  const end = seq + points.length;
  if (seq > row.metricCount || end <= row.metricCount) return row.metricCount;
  const fresh = points.slice(row.metricCount - seq);
  const rows = fresh.map((point, i) => ({
    seq: row.metricCount + i,
    name: point.name,
    value: String(fromWireNumber(point.value)),
    step: point.step ?? null,
    at: point.at ?? null,
  }));
  await tx.execute(sql`
    insert into metric_points (attempt_id, seq, name, value, step, at)
    select ${attemptId}, p.seq, p.name, p.value::double precision, p.step, p.at
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as p(seq integer, name text, value text, step bigint, at timestamptz)`);
  await tx.update(attempts).set({ metricCount: end }).where(eq(attempts.id, attemptId));
  return end;
}

/** Metric points of an attempt in the order in which they were reported. */
export function listMetrics(
  q: Queryable,
  attemptId: string,
  page: { after?: number | undefined; limit: number; name?: string | undefined },
): Promise<MetricPointRow[]> {
  return q
    .select()
    .from(metricPoints)
    .where(
      and(
        eq(metricPoints.attemptId, attemptId),
        gte(metricPoints.seq, page.after ?? 0),
        page.name === undefined ? undefined : eq(metricPoints.name, page.name),
      ),
    )
    .orderBy(asc(metricPoints.seq))
    .limit(page.limit);
}
