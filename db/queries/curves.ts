import { and, desc, eq, sql } from 'drizzle-orm';
import type { Queryable } from '../rows.js';
import { events } from '../schema.js';

/** Parts that a curve is read in, by count of points; of each only the first few points are read, and averaged. */
const PARTS = 64;
const POINTS_PER_PART = 4;
/** Earlier curves that are read, the newest first. */
const MAX_CURVES = 40;

export interface CurveAttempt {
  attemptId: string;
  /** When training began, by the box's own clock, which its metric points carry too. */
  beganAt: Date;
}
export interface EarlierAttempt extends CurveAttempt {
  configKey: string;
  /** Of the baseline, of a kept candidate, or of a comparator. */
  isKept: boolean;
}
/** `t`: seconds since training began. A value may be NaN or infinite. */
export type Curve = { t: number; value: number }[];

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

/**
 * Measurements of a run that ended well on a box and may be compared with what runs there now: those with the fingerprint of the
 * last job that trained there, the newest first. `boxPart` is the beginning that this must have.
 */
export async function listEarlierAttempts(
  q: Queryable,
  runId: string,
  from: { boxId: string; boxPart: string },
): Promise<EarlierAttempt[]> {
  const rows = await q.execute<{ id: string; config_key: string; is_kept: boolean; began_at: string }>(sql`
    with newest as (
      select j.fingerprint from jobs j join attempts a on a.job_id = j.id and a.number = j.attempt
      where j.run_id = ${runId} and a.box_id = ${from.boxId} and j.fingerprint is not null and j.role <> 'screen'
      order by j.ended_at desc, j.id desc limit 1
    )
    select a.id, j.config_key, train.part ->> 'startedAt' as began_at,
      (j.role in ('baseline', 'audit') or coalesce(i.state = 'kept', false)) as is_kept
    from jobs j
    join attempts a on a.job_id = j.id and a.number = j.attempt and a.state = 'ended'
    join newest on newest.fingerprint = j.fingerprint and starts_with(newest.fingerprint, ${from.boxPart})
    left join iterations i on i.id = j.iteration_id
    cross join lateral (
      select part from jsonb_array_elements(a.exit -> 'phases') as parts(part) where part ->> 'phase' = 'train' limit 1
    ) train
    where j.run_id = ${runId} and j.state = 'succeeded' and j.role <> 'screen' and a.box_id = ${from.boxId}
    order by j.ended_at desc, j.id desc limit ${MAX_CURVES}`);
  return rows.map((row) => ({
    attemptId: row.id,
    configKey: row.config_key,
    isKept: row.is_kept,
    beganAt: new Date(row.began_at),
  }));
}

/**
 * The curve of one metric in each of these attempts, those without any left out. At most PARTS short stretches of an attempt's
 * points are read, by its primary key, however many points there are.
 */
export async function readCurves(
  q: Queryable,
  of: readonly CurveAttempt[],
  metric: string,
): Promise<Map<string, Curve>> {
  if (of.length === 0) return new Map();
  const chosen = JSON.stringify(of.map(({ attemptId, beganAt }) => ({ id: attemptId, began_at: beganAt })));
  const rows = await q.execute<{ id: string; points: [number, string][] }>(sql`
    with chosen as (
      select a.id, c.began_at, a.metric_count, greatest(ceil(a.metric_count / ${PARTS}::float8)::integer, 1) as length
      from jsonb_to_recordset(${chosen}::text::jsonb) as c(id text, began_at timestamptz)
      join attempts a on a.id = c.id
    )
    select chosen.id,
      jsonb_agg(jsonb_build_array(p.at - extract(epoch from chosen.began_at), p.value::text) order by p.at) as points
    from chosen
    cross join lateral (
      select avg(near.value) as value, avg(extract(epoch from near.at)) as at
      from generate_series(0, greatest(chosen.metric_count - 1, 0), chosen.length) as part(start)
      cross join lateral (
        select value, at from metric_points
        where attempt_id = chosen.id and seq >= part.start and seq < part.start + chosen.length
          and name = ${metric} and at is not null
        order by seq limit ${POINTS_PER_PART}
      ) near
      group by part.start
    ) p
    group by chosen.id`);
  return new Map(rows.map((row) => [row.id, row.points.map(([t, value]) => ({ t: Number(t), value: Number(value) }))]));
}

/** The median training time of a run's measurements; null while there is none. */
export async function medianTrainingMs(q: Queryable, runId: string): Promise<number | null> {
  const rows = await q.execute<{ ms: number | null }>(sql`
    select percentile_cont(0.5) within group (order by (parts.part ->> 'durationMs')::float8) as ms
    from jobs j
    join attempts a on a.job_id = j.id and a.number = j.attempt and a.state = 'ended'
    cross join lateral jsonb_array_elements(a.exit -> 'phases') as parts(part)
    where j.run_id = ${runId} and j.state = 'succeeded' and j.role <> 'screen' and parts.part ->> 'phase' = 'train'`);
  return rows[0]?.ms ?? null;
}

/** What a run has trained for the cheap budget of `fidelity.screen`, of candidates and of what they were compared with, failed ones included. */
export async function sumScreeningMs(q: Queryable, runId: string): Promise<number> {
  const rows = await q.execute<{ ms: number | null }>(sql`
    select sum((parts.part ->> 'durationMs')::float8) as ms
    from jobs j
    join attempts a on a.job_id = j.id and a.number = j.attempt and a.state = 'ended'
    cross join lateral jsonb_array_elements(a.exit -> 'phases') as parts(part)
    where j.run_id = ${runId} and j.role = 'screen' and parts.part ->> 'phase' = 'train'`);
  return rows[0]?.ms ?? 0;
}

/** What the curves of a run's early stopped jobs led to expect of them, by job: effects as fractions; jobs where they said nothing are left out. */
export async function listEarlyStops(
  q: Queryable,
  runId: string,
): Promise<Map<string, { effect: number; sd: number }>> {
  const rows = await q.execute<{ job_id: string; effect: number; sd: number }>(sql`
    select payload ->> 'jobId' as job_id, (payload -> 'expected' ->> 'effect')::float8 as effect,
      (payload -> 'expected' ->> 'sd')::float8 as sd
    from events
    where run_id = ${runId} and type = 'job.stopping' and payload -> 'expected' ->> 'effect' is not null`);
  return new Map(rows.map((row) => [row.job_id, { effect: row.effect, sd: row.sd }]));
}
