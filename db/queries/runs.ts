import { and, desc, eq, inArray, isNull, lt, sql } from 'drizzle-orm';
import { RUN_MOVES, type Config, type EarlierFigures, type RunState, type Spec } from '@nightshift/protocol';
import { newId } from '../id.js';
import type { ProjectRow, Queryable, RunRow } from '../rows.js';
import { projects, runs } from '../schema.js';

/** The project of this name, made when it is new. */
export async function ensureProject(q: Queryable, name: string): Promise<ProjectRow> {
  await q
    .insert(projects)
    .values({ id: newId('prj'), name })
    .onConflictDoNothing({ target: projects.name });
  const [row] = await q.select().from(projects).where(eq(projects.name, name));
  if (!row) throw new Error(`project ${name} vanished`);
  return row;
}

export function listProjects(
  q: Queryable,
  page: { limit: number; before?: string | undefined },
): Promise<ProjectRow[]> {
  return q
    .select()
    .from(projects)
    .where(page.before === undefined ? undefined : lt(projects.id, page.before))
    .orderBy(desc(projects.id))
    .limit(page.limit);
}

export async function findProject(q: Queryable, idOrName: string): Promise<ProjectRow | undefined> {
  const [row] = await q
    .select()
    .from(projects)
    .where(sql`${projects.id} = ${idOrName} or ${projects.name} = ${idOrName}`);
  return row;
}

export async function insertRun(
  q: Queryable,
  run: {
    projectId: string;
    spec: Spec;
    baselineConfig: Config;
    baselineKey: string;
    notes?: string | null;
    earlierFigures?: EarlierFigures | null;
  },
): Promise<RunRow> {
  const [row] = await q
    .insert(runs)
    .values({
      id: newId('run'),
      projectId: run.projectId,
      spec: run.spec,
      baselineConfig: run.baselineConfig,
      baselineKey: run.baselineKey,
      incumbentConfig: run.baselineConfig,
      incumbentKey: run.baselineKey,
      notes: run.notes ?? null,
      earlierFigures: run.earlierFigures ?? null,
    })
    .returning();
  return row as RunRow;
}

export async function findRun(q: Queryable, id: string): Promise<RunRow | undefined> {
  const [row] = await q.select().from(runs).where(eq(runs.id, id));
  return row;
}

/** Runs, newest first; `before` is the id of the last one of the page before. */
export function listRuns(
  q: Queryable,
  page: { limit: number; before?: string | undefined; projectId?: string | undefined; state?: RunState | undefined },
): Promise<RunRow[]> {
  return q
    .select()
    .from(runs)
    .where(
      and(
        page.before === undefined ? undefined : lt(runs.id, page.before),
        page.projectId === undefined ? undefined : eq(runs.projectId, page.projectId),
        page.state === undefined ? undefined : eq(runs.state, page.state),
      ),
    )
    .orderBy(desc(runs.id))
    .limit(page.limit);
}

export async function listUnfinishedRunIds(q: Queryable): Promise<string[]> {
  const rows = await q.select({ id: runs.id }).from(runs).where(isNull(runs.endedAt)).orderBy(runs.id);
  return rows.map((row) => row.id);
}

type RunPatch = Partial<Omit<typeof runs.$inferInsert, 'id' | 'state'>>;

/** Moves a run from one of `from` to `to`; false when it was in another state (stale) or the move is not legal. */
export async function moveRun(
  q: Queryable,
  id: string,
  from: RunState[],
  to: RunState,
  patch: RunPatch = {},
): Promise<boolean> {
  const rows = await q
    .update(runs)
    .set({ ...patch, state: to })
    .where(
      and(
        eq(runs.id, id),
        inArray(
          runs.state,
          from.filter((state) => RUN_MOVES[state].includes(to)),
        ),
      ),
    )
    .returning({ id: runs.id });
  return rows.length === 1;
}

/** Changes columns of a run that has not ended; false when it has. */
export async function updateRun(q: Queryable, id: string, patch: RunPatch): Promise<boolean> {
  const rows = await q
    .update(runs)
    .set(patch)
    .where(and(eq(runs.id, id), isNull(runs.endedAt)))
    .returning({ id: runs.id });
  return rows.length === 1;
}

/** The database's clock: every lease and every limit is judged by it. */
export async function databaseNow(q: Queryable): Promise<Date> {
  const rows = await q.execute<{ now: string }>(
    sql`select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as now`,
  );
  return new Date(rows[0]?.now ?? Date.now());
}

/** Energy that a run's counted attempts used, in Wh; null when no box could tell. */
export async function sumRunEnergyWh(q: Queryable, runId: string): Promise<number | null> {
  const rows = await q.execute<{ wh: number | null }>(sql`
    select sum((a.exit ->> 'energyWh')::double precision) as wh
    from attempts a join jobs j on j.id = a.job_id
    where j.run_id = ${runId} and a.state = 'ended'`);
  return rows[0]?.wh ?? null;
}
