import { and, asc, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import type { BoxFacts, JobRole, Telemetry } from '@nightshift/protocol';
import { newId } from '../id.js';
import type { AttemptRow, BoxRow, JobRow, Queryable, RunRow, Tx } from '../rows.js';
import { attempts, boxes, jobs, runs } from '../schema.js';
import { refusedBy } from './refusals.js';

/** A job that may be given out now, with what a box must be to get it. */
export interface WaitingJob {
  id: string;
  createdAt: Date;
  pinnedBoxId: string | null;
  role: JobRole;
  labels: string[];
  /** Boxes where it failed before for a reason that will be there again: another one is better. */
  avoids: string[];
  /** Boxes whose owner does not allow it: it never goes there. */
  refusedBy: string[];
}

/** Failures that are over when the job comes again, or that a heartbeat tells of. */
export const PASSING = ['disk_full', 'internal_error', 'box_lost', 'cancelled'];

/** Jobs that may be given out now, the one that has waited longest first. Only hints: `lockWaitingJobs` decides. */
export async function listWaitingJobs(
  q: Queryable,
  page: { after?: WaitingJob | undefined; limit: number },
): Promise<WaitingJob[]> {
  const { after, limit } = page;
  return q
    .select({
      id: jobs.id,
      createdAt: jobs.createdAt,
      pinnedBoxId: jobs.pinnedBoxId,
      role: jobs.role,
      labels: sql<string[]>`${runs.spec} -> 'boxes' -> 'labels'`,
      avoids: sql<string[]>`case when ${jobs.attempt} = 0 then '[]'::jsonb else (
        select coalesce(jsonb_agg(distinct ${attempts.boxId}), '[]'::jsonb) from ${attempts}
        where ${attempts.jobId} = ${jobs.id} and ${attempts.exit} is not null
          and ${attempts.exit} ->> 'reason' <> all(${`{${PASSING.join(',')}}`}::text[])) end`,
      refusedBy,
    })
    .from(jobs)
    .innerJoin(runs, eq(runs.id, jobs.runId))
    .where(
      and(
        isWaiting(),
        after === undefined
          ? undefined
          : sql`(${jobs.createdAt}, ${jobs.id}) > (${after.createdAt.toISOString()}::timestamptz, ${after.id})`,
      ),
    )
    .orderBy(asc(jobs.createdAt), asc(jobs.id))
    .limit(limit);
}

/** What the rows say of a box that is connected. */
export interface BoxLoad {
  id: string;
  name: string;
  labels: string[];
  facts: BoxFacts | null;
  isCordoned: boolean;
  isDraining: boolean;
  isDirty: boolean;
  liveAttempts: number;
}

/** Flags, labels and load of these boxes; removed ones are left out. One statement, however many they are. */
export async function listBoxLoads(q: Queryable, ids: string[]): Promise<BoxLoad[]> {
  if (ids.length === 0) return [];
  return q
    .select({
      id: boxes.id,
      name: boxes.name,
      labels: boxes.labels,
      facts: boxes.facts,
      isCordoned: boxes.isCordoned,
      isDraining: boxes.isDraining,
      isDirty: sql<boolean>`cardinality(${boxes.dirtyPids}) > 0`,
      liveAttempts: sql<number>`(
        select count(*)::integer from ${attempts}
        where ${attempts.boxId} = ${boxes.id} and ${attempts.state} in ('assigned', 'running'))`,
    })
    .from(boxes)
    .where(and(sql`${boxes.id} = any(${`{${ids.join(',')}}`}::text[])`, isNull(boxes.removedAt)));
}

/** Live attempts whose job somebody asked to end, whichever box has them. */
export function listRequestedEnds(
  q: Queryable,
): Promise<{ attemptId: string; boxId: string; token: string; detail: string | null }[]> {
  return q
    .select({ attemptId: attempts.id, boxId: attempts.boxId, token: attempts.token, detail: jobs.detail })
    .from(attempts)
    .innerJoin(jobs, eq(jobs.id, attempts.jobId))
    .where(and(inArray(attempts.state, ['assigned', 'running']), isNotNull(jobs.cancelRequestedAt)));
}

/** One sign of life of a box. */
export interface BoxBeat {
  boxId: string;
  dirtyPids: number[];
  freeSlots: number;
  /** Null when they are as they were. */
  facts: BoxFacts | null;
  telemetry: Telemetry[];
}

/**
 * Stores what boxes said of themselves, in two statements however many they are. A reading of the same instant is stored once.
 * @returns the boxes that were unreachable until now.
 */
export async function storeBeats(q: Queryable, beats: BoxBeat[]): Promise<string[]> {
  if (beats.length === 0) return [];
  const seen = beats.map((beat) => ({
    id: beat.boxId,
    dirty: beat.dirtyPids,
    free: beat.freeSlots,
    facts: beat.facts,
  }));
  // Rows are locked in the order of their ids, so that two replicas cannot wait for each other.
  const rows = await q.execute<{ id: string; previous: string }>(sql`
    update boxes set state = 'online', last_seen_at = now(),
      dirty_pids = array(select jsonb_array_elements_text(seen.dirty)::integer),
      free_slots = seen.free, facts = coalesce(seen.facts, boxes.facts)
    from (
      select b.id, b.state as previous, s.dirty, s.free, s.facts
      from jsonb_to_recordset(${JSON.stringify(seen)}::text::jsonb) as s(id text, dirty jsonb, free integer, facts jsonb)
      join boxes b on b.id = s.id and b.removed_at is null
      order by b.id for update of b
    ) as seen
    where boxes.id = seen.id
    returning boxes.id, seen.previous`);
  const samples = beats.flatMap((beat) =>
    beat.telemetry.map((sample) => ({ box: beat.boxId, at: sample.at, attempt: sample.attemptId, sample })),
  );
  if (samples.length > 0)
    await q.execute(sql`
      insert into telemetry (box_id, at, attempt_id, sample)
      select t.box, t.at, t.attempt, t.sample
      from jsonb_to_recordset(${JSON.stringify(samples)}::text::jsonb)
        as t(box text, at timestamptz, attempt text, sample jsonb)
      on conflict do nothing`);
  return rows.filter((row) => row.previous === 'unreachable').map((row) => row.id);
}

/** Takes back an offer that the box did not take: as if it had never been made. False when the box has accepted it, or it is over. */
export async function withdrawOffer(q: Queryable, attemptId: string): Promise<boolean> {
  const rows = await q
    .delete(attempts)
    .where(
      and(
        eq(attempts.id, attemptId),
        eq(attempts.state, 'assigned'),
        isNull(attempts.acceptedAt),
        eq(attempts.logBytes, 0),
        eq(attempts.metricCount, 0),
      ),
    )
    .returning({ id: attempts.id });
  return rows.length === 1;
}

/** Locks boxes in the order of their ids and says what each has; removed ones are left out. */
export async function lockBoxes(tx: Tx, ids: string[]): Promise<Map<string, { box: BoxRow; liveAttempts: number }>> {
  const rows = await tx
    .select()
    .from(boxes)
    .where(and(inArray(boxes.id, ids), isNull(boxes.removedAt)))
    .orderBy(asc(boxes.id))
    .for('update');
  // Counted after the locks are held: before, another replica may just have added one.
  const counts = await tx
    .select({ boxId: attempts.boxId, n: sql<number>`count(*)::integer` })
    .from(attempts)
    .where(and(inArray(attempts.boxId, ids), inArray(attempts.state, ['assigned', 'running'])))
    .groupBy(attempts.boxId);
  const live = new Map(counts.map((row) => [row.boxId, row.n]));
  return new Map(rows.map((box) => [box.id, { box, liveAttempts: live.get(box.id) ?? 0 }]));
}

/** Locks those of these jobs that may be given out now, and that nobody else is giving out. */
export async function lockWaitingJobs(tx: Tx, ids: string[]): Promise<Map<string, { job: JobRow; run: RunRow }>> {
  const rows = await tx
    .select({ job: jobs, run: runs })
    .from(jobs)
    .innerJoin(runs, eq(runs.id, jobs.runId))
    .where(and(inArray(jobs.id, ids), isWaiting()))
    .for('update', { of: jobs, skipLocked: true });
  return new Map(rows.map((row) => [row.job.id, row]));
}

/** New attempts for jobs that this transaction holds locked as waiting, and the jobs' moves to assigned. In the order of `given`. */
export async function assignJobs(
  tx: Tx,
  given: { jobId: string; boxId: string; number: number; token: string }[],
): Promise<AttemptRow[]> {
  const rows = await tx
    .insert(attempts)
    .values(given.map((attempt) => ({ id: newId('att'), ...attempt })))
    .returning();
  await tx.execute(sql`
    update jobs set state = 'assigned', attempt = given.number, assigned_at = now()
    from jsonb_to_recordset(${JSON.stringify(given)}::text::jsonb) as given("jobId" text, number integer)
    where jobs.id = given."jobId" and jobs.state = 'queued' and jobs.attempt = given.number - 1`);
  const byJob = new Map(rows.map((row) => [row.jobId, row]));
  return given.map(({ jobId }) => byJob.get(jobId) as AttemptRow);
}

// Jobs of paused or ended runs wait; so do those in the pause after a failure of the infrastructure.
function isWaiting() {
  return and(
    eq(jobs.state, 'queued'),
    isNull(jobs.cancelRequestedAt),
    sql`(${jobs.notBefore} is null or ${jobs.notBefore} <= now())`,
    inArray(runs.state, ['baseline', 'running']),
  );
}
