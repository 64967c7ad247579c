import { and, asc, desc, eq, inArray, isNotNull, isNull, lt, ne, sql, type SQL } from 'drizzle-orm';
import { JOB_MOVES, type Config, type JobReason, type JobRole, type JobState } from '@nightshift/protocol';
import { newId } from '../id.js';
import type { JobRow, Queryable, Tx } from '../rows.js';
import { attempts, jobs } from '../schema.js';

/** Queues a measurement. The unique key on run, iteration, role and replicate makes a second insert of the same one do nothing. */
export async function insertJob(
  tx: Tx,
  job: {
    runId: string;
    iterationId: string | null;
    role: JobRole;
    replicate: number;
    config: Config;
    configKey: string;
    seed: number;
    codeKey?: string | null;
    pinnedBoxId?: string | null;
  },
): Promise<JobRow | undefined> {
  const [row] = await tx
    .insert(jobs)
    .values({ id: newId('job'), ...job })
    .onConflictDoNothing()
    .returning();
  return row;
}

export async function findJob(q: Queryable, id: string): Promise<JobRow | undefined> {
  const [row] = await q.select().from(jobs).where(eq(jobs.id, id));
  return row;
}

export function listJobs(
  q: Queryable,
  filter: { runId?: string | undefined; state?: JobState | undefined; before?: string | undefined; limit: number },
): Promise<JobRow[]> {
  return q
    .select()
    .from(jobs)
    .where(
      and(
        filter.runId === undefined ? undefined : eq(jobs.runId, filter.runId),
        filter.state === undefined ? undefined : eq(jobs.state, filter.state),
        filter.before === undefined ? undefined : lt(jobs.id, filter.before),
      ),
    )
    .orderBy(desc(jobs.id))
    .limit(filter.limit);
}

export function listJobsOfRun(q: Queryable, runId: string): Promise<JobRow[]> {
  return q.select().from(jobs).where(eq(jobs.runId, runId)).orderBy(asc(jobs.id));
}

export function listBaselineJobs(q: Queryable, runId: string): Promise<JobRow[]> {
  return q
    .select()
    .from(jobs)
    .where(and(eq(jobs.runId, runId), eq(jobs.role, 'baseline')))
    .orderBy(asc(jobs.replicate));
}

/** Measurements of what candidates were compared with, beyond its own. */
export function listAudits(q: Queryable, runId: string): Promise<JobRow[]> {
  return q
    .select()
    .from(jobs)
    .where(and(eq(jobs.runId, runId), eq(jobs.role, 'audit'), isNotNull(jobs.metric)))
    .orderBy(asc(jobs.id));
}

export function listJobsOfIterations(q: Queryable, iterationIds: string[]): Promise<JobRow[]> {
  if (iterationIds.length === 0) return Promise.resolve([]);
  return q.select().from(jobs).where(inArray(jobs.iterationId, iterationIds)).orderBy(asc(jobs.id));
}

/** The jobs of these runs that have not ended. */
export function listActiveJobs(q: Queryable, runIds: string[]): Promise<JobRow[]> {
  if (runIds.length === 0) return Promise.resolve([]);
  return q
    .select()
    .from(jobs)
    .where(and(inArray(jobs.runId, runIds), isNull(jobs.endedAt)))
    .orderBy(asc(jobs.id));
}

/** A measurement that succeeded, and what it may be compared with. */
export interface MeasurementRow {
  jobId: string;
  iterationId: string | null;
  configKey: string;
  config: Config;
  metric: number;
  fingerprint: string | null;
  boxId: string | null;
}

/** Every measurement of a run that succeeded, in the order in which they ended. What was trained for the cheap budget is none. */
export function listMeasurements(q: Queryable, runId: string): Promise<MeasurementRow[]> {
  return listNumbers(q, runId, ne(jobs.role, 'screen'));
}

/** What a run trained for the cheap budget of `fidelity.screen` and got a number from, in the order in which they ended. */
export function listScreenings(q: Queryable, runId: string): Promise<MeasurementRow[]> {
  return listNumbers(q, runId, eq(jobs.role, 'screen'));
}

async function listNumbers(q: Queryable, runId: string, of: SQL): Promise<MeasurementRow[]> {
  const rows = await q
    .select({
      jobId: jobs.id,
      iterationId: jobs.iterationId,
      configKey: jobs.configKey,
      config: jobs.config,
      metric: jobs.metric,
      fingerprint: jobs.fingerprint,
      boxId: attempts.boxId,
    })
    .from(jobs)
    .leftJoin(attempts, and(eq(attempts.jobId, jobs.id), eq(attempts.number, jobs.attempt)))
    .where(and(eq(jobs.runId, runId), eq(jobs.state, 'succeeded'), isNotNull(jobs.metric), of))
    .orderBy(asc(jobs.endedAt), asc(jobs.id));
  return rows.map((row) => ({ ...row, metric: row.metric as number }));
}

/** How many jobs of this run had this configuration at the full budget (or at the cheap one), whatever became of them. */
export async function countJobsOfConfig(
  q: Queryable,
  runId: string,
  configKey: string,
  isScreen = false,
): Promise<number> {
  const rows = await q
    .select({ id: jobs.id })
    .from(jobs)
    .where(
      and(
        eq(jobs.runId, runId),
        eq(jobs.configKey, configKey),
        isScreen ? eq(jobs.role, 'screen') : ne(jobs.role, 'screen'),
      ),
    );
  return rows.length;
}

type JobPatch = Partial<Omit<typeof jobs.$inferInsert, 'id' | 'runId' | 'state'>>;

/** Moves a job, if it is in one of `from` and on this attempt number; false when it is not (stale) or the move is not legal. */
export async function moveJob(
  q: Queryable,
  id: string,
  from: JobState[],
  to: JobState,
  patch: JobPatch = {},
  attempt?: number,
): Promise<boolean> {
  const rows = await q
    .update(jobs)
    .set({ ...patch, state: to })
    .where(
      and(
        eq(jobs.id, id),
        inArray(
          jobs.state,
          from.filter((state) => JOB_MOVES[state].includes(to)),
        ),
        attempt === undefined ? undefined : eq(jobs.attempt, attempt),
      ),
    )
    .returning({ id: jobs.id });
  return rows.length === 1;
}

/** Ends queued jobs of a run, all or some; gives those that it ended. */
export async function cancelQueuedJobs(tx: Tx, runId: string, detail: string, ids?: string[]): Promise<JobRow[]> {
  return tx
    .update(jobs)
    .set({ state: 'cancelled', reason: 'cancelled' satisfies JobReason, detail, endedAt: sql`now()` })
    .where(and(eq(jobs.runId, runId), eq(jobs.state, 'queued'), ids === undefined ? undefined : inArray(jobs.id, ids)))
    .returning();
}

/** Ends the queued jobs of a run, gives those, and asks for the end of the jobs that a box has. */
export async function cancelJobsOfRun(tx: Tx, runId: string, detail: string): Promise<JobRow[]> {
  const ended = await cancelQueuedJobs(tx, runId, detail);
  await tx
    .update(jobs)
    .set({ cancelRequestedAt: sql`coalesce(${jobs.cancelRequestedAt}, now())` })
    .where(and(eq(jobs.runId, runId), inArray(jobs.state, ['assigned', 'running'])));
  return ended;
}

/**
 * Asks for the end of one job: a queued one ends at once ('ended'), one on a box when the box has stopped it ('asked'). Null when there was
 * nothing to change: the job has ended, or its end was asked for already.
 */
export async function cancelJob(tx: Tx, id: string, detail: string): Promise<'ended' | 'asked' | null> {
  // Locked first: between two updates a job could go from one state to the other, and be missed by both.
  const [job] = await tx.select().from(jobs).where(eq(jobs.id, id)).for('update');
  if (!job || job.endedAt !== null) return null;
  if (job.state === 'queued') {
    await tx
      .update(jobs)
      .set({ state: 'cancelled', reason: 'cancelled' satisfies JobReason, detail, endedAt: sql`now()` })
      .where(eq(jobs.id, id));
    return 'ended';
  }
  if (job.cancelRequestedAt !== null) return null;
  await tx
    .update(jobs)
    .set({ cancelRequestedAt: sql`now()` })
    .where(eq(jobs.id, id));
  return 'asked';
}

/**
 * Asks a box to end a running job because it is hopeless; false when it has ended or somebody asked for its end already. Such a
 * request, and no other, leaves its detail on a live job: see `isStoppedEarly`.
 */
export async function requestEarlyStop(tx: Tx, id: string, detail: string): Promise<boolean> {
  const rows = await tx
    .update(jobs)
    .set({ cancelRequestedAt: sql`now()`, detail })
    .where(and(eq(jobs.id, id), eq(jobs.state, 'running'), isNull(jobs.cancelRequestedAt)))
    .returning({ id: jobs.id });
  return rows.length === 1;
}

/** True for a live job whose end was asked for because it is hopeless, and not by a person or a run's end. */
export function isStoppedEarly(job: JobRow): boolean {
  return job.endedAt === null && job.cancelRequestedAt !== null && job.detail !== null;
}
