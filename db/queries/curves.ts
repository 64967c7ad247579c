import { and, desc, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../rows.js';
import { events } from '../schema.js';

/** Parts that a curve is read in, by count of points; of each only the first few points are read, and averaged. */
const PARTS = 64;
const POINTS_PER_PART = 4;
/** Earlier curves that are read, the newest first. */
const MAX_CURVES = 40;

export interface CurveRow {
  attemptId: string;
  configKey: string;
  /** Of the baseline, of a kept candidate, or of a comparator. */
  isKept: boolean;
  /** `t`: seconds since training began, by the box's own clock. A value may be NaN or infinite. */
  points: { t: number; value: number }[];
}

/** When training of an attempt began, by its box's clock; undefined while it has not. */
export async function findTrainingStart(q: Queryable, runId: string, attemptId: string): Promise<Date | undefined> {
  const [row] = await q
    .select({ at: sql<string>`${events.payload} ->> 'at'` })
    .from(events)
    .where(
      and(
        eq(events.runId, runId),
        eq(events.type, 'job.training'),
        sql`${events.payload} ->> 'attemptId' = ${attemptId}`,
      ),
    )
    .orderBy(desc(events.txid), desc(events.id))
    .limit(1);
  return row && new Date(row.at);
}

// Reads at most PARTS short stretches of an attempt's points by its primary key, however many points there are.
const thinned = (name: string) => sql`
  cross join lateral (
    select avg(near.value) as value, to_timestamp(avg(extract(epoch from near.at))) as at
    from generate_series(0, greatest(chosen.metric_count - 1, 0), greatest(ceil(chosen.metric_count / ${PARTS}::float8)::integer, 1)) as part(start)
    cross join lateral (
      select value, at from metric_points
      where attempt_id = chosen.id and seq >= part.start
        and seq < part.start + greatest(ceil(chosen.metric_count / ${PARTS}::float8)::integer, 1)
        and name = ${name} and at is not null
      order by seq limit ${POINTS_PER_PART}
    ) near
    group by part.start
  ) p`;

const pointsOf = sql`jsonb_agg(jsonb_build_array(extract(epoch from p.at - chosen.began_at), p.value::text) order by p.at) as points`;

type Row = { id: string; config_key: string; is_kept: boolean; points: [number, string][] };

function curveOf(row: Row): CurveRow {
  return {
    attemptId: row.id,
    configKey: row.config_key,
    isKept: row.is_kept,
    points: row.points.map(([t, value]) => ({ t: Number(t), value: Number(value) })),
  };
}

/**
 * The curves of one metric in measurements of a run that ended well on a box and may be compared with what runs there now: those
 * with the fingerprint of the last job that trained there. `boxPart` is the beginning that this must have.
 */
export async function listEarlierCurves(
  q: Queryable,
  runId: string,
  from: { boxId: string; boxPart: string; metric: string },
): Promise<CurveRow[]> {
  const rows = await q.execute<Row>(sql`
    with newest as (
      select j.fingerprint from jobs j join attempts a on a.job_id = j.id and a.number = j.attempt
      where j.run_id = ${runId} and a.box_id = ${from.boxId} and j.fingerprint is not null
      order by j.ended_at desc, j.id desc limit 1
    ), chosen as (
      select a.id, a.metric_count, j.config_key, (phase ->> 'startedAt')::timestamptz as began_at,
        (j.role in ('baseline', 'audit') or coalesce(i.state = 'kept', false)) as is_kept
      from jobs j
      join attempts a on a.job_id = j.id and a.number = j.attempt and a.state = 'ended'
      join newest on newest.fingerprint = j.fingerprint and starts_with(newest.fingerprint, ${from.boxPart})
      left join iterations i on i.id = j.iteration_id
      cross join lateral (
        select phase from jsonb_array_elements(a.exit -> 'phases') as phase where phase ->> 'phase' = 'train' limit 1
      ) train
      where j.run_id = ${runId} and j.state = 'succeeded' and a.box_id = ${from.boxId}
      order by j.ended_at desc, j.id desc limit ${MAX_CURVES}
    )
    select chosen.id, chosen.config_key, chosen.is_kept, ${pointsOf}
    from chosen ${thinned(from.metric)}
    group by chosen.id, chosen.config_key, chosen.is_kept`);
  return rows.map(curveOf);
}

/** The curve of one metric in an attempt so far; empty while it has reported none. */
export async function readCurve(
  q: Queryable,
  attemptId: string,
  metric: string,
  beganAt: Date,
): Promise<CurveRow['points']> {
  const rows = await q.execute<Row>(sql`
    with chosen as (
      select id, metric_count, ${beganAt.toISOString()}::timestamptz as began_at from attempts where id = ${attemptId}
    )
    select chosen.id, '' as config_key, false as is_kept, ${pointsOf}
    from chosen ${thinned(metric)} group by chosen.id`);
  return rows[0] ? curveOf(rows[0]).points : [];
}

/** The median training time of a run's measurements; null while there is none. */
export async function medianTrainingMs(q: Queryable, runId: string): Promise<number | null> {
  const rows = await q.execute<{ ms: number | null }>(sql`
    select percentile_cont(0.5) within group (order by (phase ->> 'durationMs')::float8) as ms
    from jobs j
    join attempts a on a.job_id = j.id and a.number = j.attempt and a.state = 'ended'
    cross join lateral jsonb_array_elements(a.exit -> 'phases') as phase
    where j.run_id = ${runId} and j.state = 'succeeded' and phase ->> 'phase' = 'train'`);
  return rows[0]?.ms ?? null;
}
