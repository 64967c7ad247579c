import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSpec, type Config, type SpecInput } from '@nightshift/protocol';
import { findRun, listEvents, listIterations, listJobsOfRun, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { analyze } from '../trajectory/index.js';
import { exitOf, paperBox } from '../testing/paper-box.js';
import { seededRandom } from '../search/index.js';
import { advance } from './advance.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { propose } from './propose.js';
import { loadTrajectory } from './trajectory-of-run.js';

const SPEC: SpecInput = {
  name: 'confirmed',
  source: { path: '/nowhere' },
  metric: { name: 'loss', goal: 'minimize', bounds: [0, 100] },
  job: { train: 'true', budget: '1s' },
  menu: { knobs: { x: { type: 'int', range: [0, 20], default: 0 } } },
  decision: { baselineReplicates: 3, maxReplicates: 2, minImprovement: 0.01 },
  stop: { iterations: 4 },
};
const loss = (config: Config) => 10 + Math.abs(Number(config['x']) - 12) / 4;

let database: TestDatabase;
let deps: LoopDeps;
beforeAll(async () => {
  database = await createTestDatabase();
  deps = {
    db: database.db,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    wake: { run() {}, fleet() {} },
    apiKey: () => undefined,
    leaseMs: 10_000,
    signal: new AbortController().signal,
  };
});
afterAll(() => database.drop());

async function step(runId: string): Promise<void> {
  for (
    let claims = await advance(deps, runId, { skip: false });
    claims.length > 0;
    claims = await advance(deps, runId, { skip: false })
  )
    for (const claim of claims) await propose(deps, claim);
}

/** Runs to the end; `end` may end a job in another way than with its loss. */
async function drive(
  input: Partial<SpecInput>,
  options: { noise?: number; failAudits?: boolean } = {},
): Promise<{ run: RunRow; boxId: string }> {
  const { noise = 0.001, failAudits = false } = options;
  const box = await paperBox(deps.db);
  const random = seededRandom('confirm');
  const { id } = await createRun(deps, parseSpec({ ...SPEC, ...input }));
  for (let i = 0; i < 100; i++) {
    await step(id);
    if ((await findRun(deps.db, id))?.endedAt) break;
    const job = await box.take();
    if (!job) break;
    const row = (await listJobsOfRun(deps.db, id)).find((one) => one.id === job.jobId);
    const isBroken = failAudits && row?.role === 'audit';
    await box.finish(
      job,
      isBroken ? exitOf('crash', null) : exitOf('completed', loss(job.config) + noise * random.normal()),
    );
  }
  return { run: (await findRun(deps.db, id)) as RunRow, boxId: box.id };
}
const audits = async (run: RunRow) =>
  (await listJobsOfRun(deps.db, run.id)).filter((job) => job.role === 'audit' && job.iterationId === null);

test('what a run kept is measured anew after its search, on the same box, and its report rests on that', async () => {
  const { run, boxId } = await drive({});
  expect(run).toMatchObject({ state: 'completed', endReason: 'iterations' });
  const jobs = await audits(run);
  expect(jobs).toHaveLength(2);
  for (const job of jobs) expect(job).toMatchObject({ configKey: run.incumbentKey, pinnedBoxId: boxId });
  const decided = (await listIterations(deps.db, run.id)).map(({ endedAt }) => Number(endedAt));
  for (const job of jobs) expect(Number(job.createdAt)).toBeGreaterThanOrEqual(Math.max(...decided));
  const trajectory = await loadTrajectory(deps.db, run);
  expect(trajectory.confirmation).toEqual({ iteration: run.incumbentIteration, values: jobs.map((job) => job.metric) });
  expect(analyze(trajectory).confirmed).toMatchObject({ iteration: run.incumbentIteration, n: 2 });
  const events = (await listEvents(deps.db, { runId: run.id, limit: 1000 })).filter(
    ({ type }) => type === 'run.confirming',
  );
  expect(events.map(({ payload }) => payload)).toEqual([{ iteration: run.incumbentIteration, measurements: 2 }]);
});

test('nothing is confirmed where nothing was kept, where repeats are equal, and where the spec says so', async () => {
  const worse: SpecInput['menu'] = { knobs: { x: { type: 'int', range: [12, 20], default: 12 } } };
  expect(await audits((await drive({ menu: worse })).run)).toEqual([]);
  expect(await audits((await drive({}, { noise: 0 })).run)).toEqual([]);
  const spent = { ...SPEC.decision, confirm: 0 };
  expect(await audits((await drive({ decision: spent })).run)).toEqual([]);
});

test('a confirmation that fails is not tried for ever, and the run ends all the same', async () => {
  const { run } = await drive({}, { failAudits: true });
  expect(run).toMatchObject({ state: 'completed', endReason: 'iterations' });
  expect(await audits(run)).toHaveLength(2);
  expect((await loadTrajectory(deps.db, run)).confirmation).toBeUndefined();
});

test('a menu that is used up ends the search, and what it chose is confirmed', async () => {
  const menu: SpecInput['menu'] = { knobs: { x: { type: 'int', choices: [0, 6, 12], default: 0 } } };
  const { run } = await drive({ menu, stop: { iterations: 50 } });
  expect(run).toMatchObject({ state: 'completed', endReason: 'menu_exhausted' });
  expect(await audits(run)).toHaveLength(2);
});
