import { and, asc, desc, eq, gt, inArray, isNull, ne, sql } from 'drizzle-orm';
import type { ExitRecord, JobPhase, JobReason } from '@nightshift/protocol';
import type { AttemptRow, JobRow, Queryable, RunRow } from '../rows.js';
import { attempts, boxes, jobs, runs } from '../schema.js';

export async function findAttempt(q: Queryable, id: string): Promise<AttemptRow | undefined> {
  const [row] = await q.select().from(attempts).where(eq(attempts.id, id));
  return row;
}

export async function findLatestAttempt(q: Queryable, jobId: string): Promise<AttemptRow | undefined> {
  const [row] = await q
    .select()
    .from(attempts)
    .where(eq(attempts.jobId, jobId))
    .orderBy(desc(attempts.number))
    .limit(1);
  return row;
}

export function listAttempts(q: Queryable, jobId: string): Promise<AttemptRow[]> {
  return q.select().from(attempts).where(eq(attempts.jobId, jobId)).orderBy(asc(attempts.number));
}

export function listAttemptsOfJobs(q: Queryable, jobIds: string[]): Promise<AttemptRow[]> {
  if (jobIds.length === 0) return Promise.resolve([]);
  return q.select().from(attempts).where(inArray(attempts.jobId, jobIds)).orderBy(asc(attempts.number));
}

export interface LiveAttempt {
  attempt: AttemptRow;
  job: JobRow;
  run: RunRow;
}

/** The attempts that a box has or was offered, with what is needed to offer them again. */
export function listLiveAttempts(q: Queryable, boxId: string): Promise<LiveAttempt[]> {
  return q
    .select({ attempt: attempts, job: jobs, run: runs })
    .from(attempts)
    .innerJoin(jobs, eq(jobs.id, attempts.jobId))
    .innerJoin(runs, eq(runs.id, jobs.runId))
    .where(and(eq(attempts.boxId, boxId), inArray(attempts.state, ['assigned', 'running'])))
    .orderBy(asc(attempts.id));
}

/** Live attempts of boxes that are unreachable or removed, oldest first: the sweep decides which have been silent too long. */
export function listAttemptsOfSilentBoxes(
  q: Queryable,
): Promise<(LiveAttempt & { lastSeenAt: Date | null; removedAt: Date | null })[]> {
  return q
    .select({ attempt: attempts, job: jobs, run: runs, lastSeenAt: boxes.lastSeenAt, removedAt: boxes.removedAt })
    .from(attempts)
    .innerJoin(jobs, eq(jobs.id, attempts.jobId))
    .innerJoin(runs, eq(runs.id, jobs.runId))
    .innerJoin(boxes, eq(boxes.id, attempts.boxId))
    .where(
      and(
        inArray(attempts.state, ['assigned', 'running']),
        sql`(${boxes.state} = 'unreachable' or ${boxes.removedAt} is not null)`,
      ),
    )
    .orderBy(asc(attempts.id));
}

/** The box has the job safely on its disk. Harmless when repeated. */
export async function markAccepted(q: Queryable, id: string, token: string): Promise<boolean> {
  const rows = await q
    .update(attempts)
    .set({ acceptedAt: sql`coalesce(${attempts.acceptedAt}, now())` })
    .where(and(eq(attempts.id, id), eq(attempts.token, token), inArray(attempts.state, ['assigned', 'running'])))
    .returning({ id: attempts.id });
  return rows.length === 1;
}

/** A phase has begun: the attempt runs. Harmless when repeated; false when the attempt is over or the token is stale. */
export async function markPhase(q: Queryable, id: string, token: string, phase: JobPhase): Promise<boolean> {
  const rows = await q
    .update(attempts)
    .set({
      state: 'running',
      phase,
      startedAt: sql`coalesce(${attempts.startedAt}, now())`,
      acceptedAt: sql`coalesce(${attempts.acceptedAt}, now())`,
    })
    .where(and(eq(attempts.id, id), eq(attempts.token, token), inArray(attempts.state, ['assigned', 'running'])))
    .returning({ id: attempts.id });
  return rows.length === 1;
}

/** Whether another attempt that ran on the box beside this one has ended for one of these reasons within the last minute. */
export async function hasEndedBeside(
  q: Queryable,
  { id, boxId, offeredAt }: Pick<AttemptRow, 'id' | 'boxId' | 'offeredAt'>,
  reasons: readonly JobReason[],
): Promise<boolean> {
  const rows = await q
    .select({ id: attempts.id })
    .from(attempts)
    .where(
      and(
        eq(attempts.boxId, boxId),
        ne(attempts.id, id),
        gt(attempts.endedAt, offeredAt),
        sql`${attempts.endedAt} > now() - interval '1 minute'`,
        sql`${attempts.exit} ->> 'reason' = any(${`{${reasons.join(',')}}`}::text[])`,
      ),
    )
    .limit(1);
  return rows.length === 1;
}

/** Why the latest attempt of each of these jobs ended, where its box has told. */
export async function listLatestReasons(q: Queryable, jobIds: string[]): Promise<Map<string, JobReason>> {
  if (jobIds.length === 0) return new Map();
  const rows = await q
    .selectDistinctOn([attempts.jobId], { jobId: attempts.jobId, exit: attempts.exit })
    .from(attempts)
    .where(inArray(attempts.jobId, jobIds))
    .orderBy(attempts.jobId, desc(attempts.number));
  return new Map(rows.flatMap(({ jobId, exit }) => (exit ? [[jobId, exit.reason]] : [])));
}

/** Stores the end of a live attempt; false when it has ended already or the token is stale. */
export async function endAttempt(q: Queryable, id: string, token: string, exit: ExitRecord): Promise<boolean> {
  const rows = await q
    .update(attempts)
    .set({
      state: 'ended',
      exit,
      startedAt: sql`coalesce(${attempts.startedAt}, ${exit.startedAt}::timestamptz)`,
      endedAt: sql`now()`,
    })
    .where(and(eq(attempts.id, id), eq(attempts.token, token), inArray(attempts.state, ['assigned', 'running'])))
    .returning({ id: attempts.id });
  return rows.length === 1;
}

/** Takes a live attempt away from its box: whatever it still reports is evidence, never a count. */
export async function fenceAttempt(q: Queryable, id: string): Promise<boolean> {
  const rows = await q
    .update(attempts)
    .set({ state: 'fenced', endedAt: sql`now()` })
    .where(and(eq(attempts.id, id), inArray(attempts.state, ['assigned', 'running'])))
    .returning({ id: attempts.id });
  return rows.length === 1;
}

/** Keeps the late result of a fenced attempt. The first one stays. */
export async function keepLateExit(q: Queryable, id: string, token: string, exit: ExitRecord): Promise<boolean> {
  const rows = await q
    .update(attempts)
    .set({ exit })
    .where(and(eq(attempts.id, id), eq(attempts.token, token), eq(attempts.state, 'fenced'), isNull(attempts.exit)))
    .returning({ id: attempts.id });
  return rows.length === 1;
}

export async function markReleased(q: Queryable, id: string): Promise<void> {
  await q
    .update(attempts)
    .set({ releasedAt: sql`coalesce(${attempts.releasedAt}, now())` })
    .where(eq(attempts.id, id));
}

/** Attempts that were offered to these boxes some time ago and never accepted: a socket that died took the offer with it. */
export function listUnaccepted(q: Queryable, boxIds: string[], afterMs: number): Promise<LiveAttempt[]> {
  if (boxIds.length === 0) return Promise.resolve([]);
  return q
    .select({ attempt: attempts, job: jobs, run: runs })
    .from(attempts)
    .innerJoin(jobs, eq(jobs.id, attempts.jobId))
    .innerJoin(runs, eq(runs.id, jobs.runId))
    .where(
      and(
        inArray(attempts.boxId, boxIds),
        eq(attempts.state, 'assigned'),
        isNull(attempts.acceptedAt),
        sql`${attempts.offeredAt} < now() - make_interval(secs => ${afterMs / 1000})`,
      ),
    )
    .orderBy(asc(attempts.id));
}
