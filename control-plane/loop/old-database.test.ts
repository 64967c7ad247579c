import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseSpec, type EarlierSession } from '@nightshift/protocol';
import {
  findEarlierSession,
  findRun,
  listIterations,
  listJobsOfRun,
  migrate,
  openDatabase,
  type Database,
} from '@nightshift/db';
import { createEmptyDatabase, createTestDatabase } from '@nightshift/db/testing/database';
import { migrationsFolder } from '@nightshift/db/migration-files';
import { beginPhase } from '../fleet/begin-phase.js';
import { finishAttempt } from '../fleet/finish-attempt.js';
import { giveOut } from '../fleet/give-out.js';
import { exitOf, paperBox } from '../testing/paper-box.js';
import { loopDeps, step } from '../testing/test-loop.js';
import { analyze, earlierFigures } from '../trajectory/index.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { loadTrajectory } from './trajectory-of-run.js';

let folder: string;
let place: Awaited<ReturnType<typeof createEmptyDatabase>>;
let old: Database;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightshift-old-database-'));
  await cp(migrationsFolder(), folder, { recursive: true });
  place = await createEmptyDatabase();
  old = await openDatabase({ url: place.url, max: 5 });
});
afterEach(async () => {
  await old.close();
  await place.drop();
  await rm(folder, { recursive: true, force: true });
});

/** Brings the old database to what a version knew whose newest migration has this number. */
async function migrateTo(number: number): Promise<void> {
  const journal = JSON.parse(await readFile(join(migrationsFolder(), 'meta', '_journal.json'), 'utf8')) as {
    entries: { idx: number }[];
  };
  const entries = journal.entries.filter(({ idx }) => idx <= number);
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify({ ...journal, entries }));
  await migrate(old, { folder });
}
const lossOf = (config: Record<string, unknown>) => 2 + Math.abs(Number(config.x) - 30) / 100;

/** Works on a run until it has ended, or so many jobs are done; the last one given out is left as it is. */
async function work(deps: LoopDeps, runId: string, boxId: string, most = Infinity): Promise<void> {
  for (let done = 0; ; done++) {
    await step(deps, runId);
    const job = done < most ? await giveOut(deps.db, boxId, 1) : null;
    if (!job) return;
    const { attemptId, token } = job;
    await beginPhase(deps.db, boxId, { attemptId, token, phase: 'train', at: new Date().toISOString() });
    await finishAttempt(deps.db, boxId, attemptId, token, exitOf('completed', lossOf(job.config)));
  }
}

test('a run from before every migration but the first two goes on where it stood, and ends', async () => {
  await migrateTo(1);
  const current = await createTestDatabase();
  let id: string;
  let boxId: string;
  try {
    const deps = loopDeps(current.db);
    boxId = (await paperBox(current.db)).id;
    const spec = parseSpec({
      name: 'old',
      source: { path: '/nowhere' },
      metric: { name: 'loss', goal: 'minimize' },
      job: { train: 'true' },
      menu: { knobs: { x: { type: 'int', range: [0, 100], default: 90 } } },
      decision: { baselineReplicates: 2, maxReplicates: 2, minImprovement: 0.01 },
      stop: { iterations: 8 },
    });
    ({ id } = await createRun(deps, spec));
    await work(deps, id, boxId, 5);
    expect((await listIterations(current.db, id)).some(({ state }) => state === 'kept')).toBe(true);
    // Columns that the old tables do not have are left behind, and with them what specs and figures did not have.
    for (const table of ['projects', 'boxes', 'runs', 'iterations', 'jobs', 'attempts']) {
      const rows = await current.sql.unsafe(`select to_jsonb(t) as row from ${table} t`);
      for (const { row } of rows)
        await old.sql.unsafe(
          `insert into ${table} select * from jsonb_populate_record(null::${table}, $1::text::jsonb)`,
          [JSON.stringify(row)],
        );
    }
  } finally {
    await current.drop();
  }
  await old.sql`update runs set spec = spec #- '{decision,confirm}' #- '{decision,stack}' #- '{fidelity,screen}',
    live = live #- '{audits}' #- '{counts,screened_out}'`;
  await old.sql`update boxes set is_cordoned = true`;

  await migrateTo(Infinity);
  const before = await findRun(old.db, id);
  expect(before).toMatchObject({ state: 'running', searchEnd: null, screeningOff: null, earlierFigures: null });
  expect(before?.spec.decision).not.toHaveProperty('confirm');
  const decided = (await listIterations(old.db, id)).filter(({ endedAt }) => endedAt !== null);
  expect(decided.length).toBeGreaterThan(1);
  // As a control plane does that does not know of reasons.
  await old.sql`update boxes set cordon_reason = 'three failures'`;
  await old.sql`update boxes set is_cordoned = false`;

  const deps = loopDeps(old.db);
  await work(deps, id, boxId);
  const after = (await findRun(old.db, id))!;
  expect(after).toMatchObject({ state: 'completed', endReason: 'iterations' });
  expect((await listJobsOfRun(old.db, id)).filter(({ iterationId, role }) => role === 'audit' && !iterationId)).toEqual(
    [],
  );
  const iterations = await listIterations(old.db, id);
  expect(iterations).toHaveLength(8);
  expect(iterations.filter(({ standsOn, screening }) => standsOn !== null || screening !== null)).toEqual([]);
  expect(iterations.slice(0, decided.length)).toEqual(decided);
  const figures = analyze(await loadTrajectory(old.db, after));
  expect(figures).toMatchObject({ iterations: 8, screening: null, earlier: null });
  expect(after.live).toMatchObject({ counts: { iterations: 8, kept: figures.kept } });
});

test('the session that a run goes on from moves out of its row, whole, and is counted there as before', async () => {
  await migrateTo(7);
  const row = { memoryGb: null, description: 'd', diff: null, codeKey: null };
  const rows: EarlierSession['rows'] = [
    { ...row, line: 2, commit: 'aaaaaaa', outcome: 'kept', metric: 3 },
    { ...row, line: 3, commit: 'bbbbbbb', outcome: 'kept', metric: 2, diff: 'diff' },
    { ...row, line: 4, commit: null, outcome: 'reverted', metric: 1 },
    { ...row, line: 5, commit: 'ccccccc', outcome: 'failed', metric: null },
    { ...row, line: 6, commit: 'ddddddd', outcome: 'kept', metric: 2 },
    { ...row, line: 7, commit: null, outcome: 'kept', metric: null },
  ];
  const sessions: Record<string, EarlierSession | null> = {
    least: { name: 'results.tsv', metric: { name: 'loss', goal: 'minimize' }, rows },
    most: { name: 'up.tsv', metric: { name: 'score', goal: 'maximize' }, rows, startsAtHead: null },
    nothing: { name: 'none.tsv', metric: { name: 'loss', goal: 'minimize' }, rows: rows.slice(2, 4) },
    empty: { name: 'empty.tsv', metric: { name: 'loss', goal: 'minimize' }, rows: [] },
    without: null,
  };
  await old.sql`insert into projects (id, name) values ('prj', 'p')`;
  for (const [id, session] of Object.entries(sessions))
    await old.sql`insert into runs (id, project_id, spec, baseline_config, baseline_key, incumbent_config, incumbent_key, earlier)
      values (${id}, 'prj', '{}', '{}', '[]', '{}', '[]', ${session && JSON.stringify(session)}::text::jsonb)`;
  await migrateTo(Infinity);
  for (const [id, session] of Object.entries(sessions)) {
    expect(await findEarlierSession(old.db, id)).toEqual(session);
    const run = await findRun(old.db, id);
    expect(run?.earlierFigures).toEqual(session && earlierFigures(session));
    expect(run).not.toHaveProperty('earlier');
  }
});
