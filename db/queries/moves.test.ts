import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ITERATION_MOVES,
  ITERATION_STATES,
  JOB_MOVES,
  JOB_STATES,
  parseSpec,
  RUN_MOVES,
  RUN_STATES,
  type Decision,
  type Screening,
} from '@nightshift/protocol';
import { createTestDatabase, type TestDatabase } from '../testing/database.js';
import { insertJob, moveJob } from './jobs.js';
import { insertIteration, moveIteration } from './iterations.js';
import { ensureProject, insertRun, moveRun } from './runs.js';

const spec = parseSpec({
  name: 'moves',
  source: { path: '/nowhere' },
  metric: { name: 'loss', goal: 'minimize' },
  job: { train: 'true' },
  menu: { knobs: { a: { type: 'int', range: [0, 9], default: 1 } } },
});
const at = new Date();
const decision: Decision = {
  outcome: 'keep',
  comparator: 'baseline',
  comparatorMean: 1,
  comparatorN: 1,
  candidateMean: 1,
  candidateN: 1,
  effect: 0,
  standardError: null,
  noiseSd: null,
  degreesOfFreedom: 0,
  probability: null,
  reason: 'for the test',
};
const RUN_COLUMNS = {
  queued: {},
  baseline: { startedAt: at },
  running: { startedAt: at },
  paused: { pausedAt: at, pausedFrom: 'running' },
  completed: { startedAt: at, endedAt: at, endReason: 'x' },
  stopped: { endedAt: at, endReason: 'x' },
  failed: { endedAt: at, endReason: 'x' },
} as const;
const proposed = {
  proposer: 'sampler',
  proposal: { knob: 'a', newValue: 2, reason: '' },
  config: { a: 2 },
  configKey: 'k',
  comparatorKey: 'c',
  acceptedAt: at,
} as const;
const screening: Screening = {
  outcome: 'screened_out',
  value: 2,
  comparatorMean: 1,
  comparatorN: 1,
  effect: -1,
  bar: -0.1,
  expected: -1,
  luckiest: -0.5,
  pairs: 5,
  trainedSeconds: 1,
  comparatorSeconds: 0,
  savedSeconds: 4,
  reason: '',
};
const ITERATION_COLUMNS = {
  proposing: {},
  blocked: { endedAt: at },
  accepted: proposed,
  measuring: { ...proposed, measuringAt: at },
  kept: { ...proposed, measuringAt: at, endedAt: at, decision },
  reverted: { ...proposed, endedAt: at, decision },
  inconclusive: { ...proposed, endedAt: at, decision },
  failed: { ...proposed, measuringAt: at, endedAt: at, failure: 'crash' },
  cancelled: { endedAt: at },
  screened_out: { ...proposed, measuringAt: at, endedAt: at, screening },
} as const;
const JOB_COLUMNS = {
  queued: {},
  assigned: { assignedAt: at, attempt: 1 },
  running: { assignedAt: at, attempt: 1, startedAt: at },
  succeeded: { endedAt: at, startedAt: at, reason: 'completed', metric: 1 },
  failed: { endedAt: at, reason: 'crash' },
  timed_out: { endedAt: at, reason: 'timeout' },
  cancelled: { endedAt: at, reason: 'cancelled' },
  lost: { endedAt: at, reason: 'box_lost' },
} as const;

let database: TestDatabase;
let runId: string;
beforeAll(async () => {
  database = await createTestDatabase();
  runId = await newRun();
});
afterAll(() => database.drop());

async function newRun(): Promise<string> {
  const project = await ensureProject(database.db, 'moves');
  return (await insertRun(database.db, { projectId: project.id, spec, baselineConfig: { a: 1 }, baselineKey: 'b' })).id;
}

// Puts a row straight into a state with the columns that go with it, past the guarded updates that are under test.
async function force(table: string, id: string, state: string, columns: Record<string, unknown>): Promise<void> {
  const snake = Object.fromEntries(
    Object.entries(columns).map(([key, value]) => [key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), value]),
  );
  const { sql } = database;
  const values = Object.fromEntries(
    Object.entries({ ...snake, state }).map(([k, v]) => [
      k,
      typeof v === 'object' && !((v as unknown) instanceof Date) ? sql.json(v as never) : v,
    ]),
  );
  await sql`update ${sql(table)} set ${sql(values as never)} where id = ${id}`;
}

describe('an illegal move is refused, whatever its caller says', () => {
  test('of a run', async () => {
    for (const from of RUN_STATES)
      for (const to of RUN_STATES) {
        const id = await newRun();
        await force('runs', id, from, RUN_COLUMNS[from]);
        const isLegal = RUN_MOVES[from].includes(to);
        const clear = { pausedAt: null, pausedFrom: null, endedAt: null, endReason: null };
        expect(
          await moveRun(database.db, id, [from], to, { ...clear, ...RUN_COLUMNS[to], startedAt: at }),
          `${from} → ${to}`,
        ).toBe(isLegal);
      }
  });

  test('of an iteration', async () => {
    for (const from of ITERATION_STATES)
      for (const to of ITERATION_STATES) {
        const { id } = await database.db.transaction((tx) => insertIteration(tx, runId));
        await force('iterations', id, from, ITERATION_COLUMNS[from]);
        const isLegal = ITERATION_MOVES[from].includes(to);
        expect(await moveIteration(database.db, id, from, to, { ...ITERATION_COLUMNS[to] }), `${from} → ${to}`).toBe(
          isLegal,
        );
      }
  });

  test('of a job', async () => {
    let replicate = 0;
    for (const from of JOB_STATES)
      for (const to of JOB_STATES) {
        const job = await database.db.transaction((tx) =>
          insertJob(tx, {
            runId,
            iterationId: null,
            role: 'baseline',
            replicate: (replicate += 1),
            config: { a: 1 },
            configKey: 'b',
            seed: 1,
          }),
        );
        await force('jobs', job!.id, from, JOB_COLUMNS[from]);
        const isLegal = JOB_MOVES[from].includes(to);
        expect(await moveJob(database.db, job!.id, [from], to, { ...JOB_COLUMNS[to] }), `${from} → ${to}`).toBe(
          isLegal,
        );
      }
  });
});

describe('the database refuses a state without its evidence', () => {
  test.each([
    ['runs', 'completed', {}],
    ['runs', 'paused', {}],
    ['runs', 'queued', { ended_at: at }],
  ])('%s %s', async (table, state, columns) => {
    await expect(force(table, await newRun(), state, columns)).rejects.toMatchObject({ code: '23514' });
  });

  test.each([
    ['kept', { endedAt: at }],
    ['failed', { endedAt: at }],
    ['measuring', {}],
    ['proposing', { endedAt: at }],
  ])('an iteration that is %s', async (state, columns) => {
    const { id } = await database.db.transaction((tx) => insertIteration(tx, runId));
    await expect(force('iterations', id, state, columns)).rejects.toMatchObject({ code: '23514' });
  });

  test.each([
    ['succeeded', { endedAt: at, startedAt: at, reason: 'completed' }],
    ['failed', { endedAt: at }],
    ['running', {}],
    ['queued', { metric: 1 }],
  ])('a job that is %s', async (state, columns) => {
    const job = await database.db.transaction((tx) =>
      insertJob(tx, {
        runId,
        iterationId: null,
        role: 'audit',
        replicate: Math.trunc(Math.random() * 1e9),
        config: { a: 1 },
        configKey: 'b',
        seed: 1,
      }),
    );
    await expect(force('jobs', job!.id, state, columns)).rejects.toMatchObject({ code: '23514' });
  });
});
