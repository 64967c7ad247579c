import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSpec, type Config, type SpecInput } from '@nightshift/protocol';
import { findRun, listIterations, listJobsOfRun, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { analyze, readTrajectory, reportText, writeTrajectory } from '../trajectory/index.js';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { loopDeps, step } from '../testing/test-loop.js';
import { seededRandom } from '../search/index.js';
import { releasePins } from '../fleet/release-pins.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { queueJob } from './queue-job.js';
import { stopRun } from './steer-run.js';
import { submitProposal } from './submit-proposal.js';
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
  deps = loopDeps(database.db);
});
afterAll(() => database.drop());

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
    await step(deps, id);
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
  const [chosen, base] = [run.incumbentKey, run.baselineKey];
  expect(jobs.map((job) => job.configKey)).toEqual([chosen, base, chosen, base]);
  for (const job of jobs) expect(job).toMatchObject({ pinnedBoxId: boxId });
  const decided = (await listIterations(deps.db, run.id)).map(({ endedAt }) => Number(endedAt));
  for (const job of jobs) expect(Number(job.createdAt)).toBeGreaterThanOrEqual(Math.max(...decided));
  const trajectory = await loadTrajectory(deps.db, run);
  expect(trajectory.confirmation).toEqual({
    iteration: run.incumbentIteration,
    values: jobs.filter((job) => job.configKey === chosen).map((job) => job.metric),
    baseline: jobs.filter((job) => job.configKey === base).map((job) => job.metric),
  });
  expect(reportText(trajectory, analyze(trajectory))).toMatch(
    new RegExp(`^Confirmed: what iteration ${run.incumbentIteration} kept, measured anew`, 'm'),
  );
  // They stand beside the measurements that it was decided by, and not among them.
  const kept = trajectory.records.find(({ iteration }) => iteration === run.incumbentIteration);
  expect(kept?.values).toHaveLength(kept?.decision?.candidateN ?? 0);
  expect(analyze(trajectory).confirmed).toMatchObject({ iteration: run.incumbentIteration, n: 2 });
  const events = (await settledEvents(deps.db, { runId: run.id, limit: 1000 })).filter(
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
  expect(await audits(run)).toHaveLength(4);
  const trajectory = await loadTrajectory(deps.db, run);
  expect(trajectory.confirmation).toBeUndefined();
  expect(trajectory.unconfirmed).toEqual({
    iteration: run.incumbentIteration,
    why: '0 of 4 measurements succeeded; crash',
  });
  expect(reportText(trajectory, analyze(trajectory))).toMatch(/^Not confirmed: what iteration \d+ kept/m);
  const events = (await settledEvents(deps.db, { runId: run.id, limit: 1000 })).map(({ type }) => type);
  expect(events.slice(-2)).toEqual(['run.unconfirmed', 'run.completed']);
});

test('a menu that is used up ends the search, and what it chose is confirmed', async () => {
  const menu: SpecInput['menu'] = { knobs: { x: { type: 'int', choices: [0, 6, 12], default: 0 } } };
  const { run } = await drive({ menu, stop: { iterations: 50 } });
  expect(run).toMatchObject({ state: 'completed', endReason: 'menu_exhausted' });
  expect(await audits(run)).toHaveLength(4);
});

/** Takes a run to the moment when its search is over and its confirmation waits. */
async function toConfirming(label: string, input: Partial<SpecInput> = {}): Promise<{ id: string; box: PaperBox }> {
  const box = await paperBox(deps.db, { labels: [label] });
  const random = seededRandom(label);
  const { id } = await createRun(deps, parseSpec({ ...SPEC, ...input, boxes: { labels: [label] } }));
  for (let i = 0; i < 100; i++) {
    await step(deps, id);
    if ((await now(id)).searchEnd) return { id, box };
    await box.work((config) => loss(config) + 0.001 * random.normal());
  }
  throw new Error('the search did not end');
}
const now = async (id: string) => (await findRun(deps.db, id)) as RunRow;

async function finish(id: string, box: PaperBox, measure: (config: Config) => number = loss): Promise<RunRow> {
  for (let i = 0; i < 20; i++) {
    await step(deps, id);
    if ((await now(id)).endedAt || !(await box.work(measure))) break;
  }
  return now(id);
}

test('what confirms a target can neither reopen the search nor change why it ended', async () => {
  const { id, box } = await toConfirming('target', { stop: { iterations: 30, target: 11.5 } });
  const before = await listIterations(deps.db, id);
  const run = await finish(id, box, () => 12.5);
  expect(run).toMatchObject({ state: 'completed', endReason: 'target' });
  expect(await listIterations(deps.db, id)).toHaveLength(before.length);
});

test('half a confirmation is none: time that runs out meanwhile ends the run, by the reason its search had', async () => {
  const { id, box } = await toConfirming('wall', { stop: { iterations: 4, wall: '1h' } });
  await box.work(loss);
  await database.sql`update runs set started_at = now() - interval '2 hours' where id = ${id}`;
  const run = await finish(id, box);
  expect(run).toMatchObject({ state: 'completed', endReason: 'iterations' });
  expect((await loadTrajectory(deps.db, run)).confirmation).toBeUndefined();
});

test('measurements of the incumbent from before the end of the search confirm nothing', async () => {
  const box = await paperBox(deps.db, { labels: ['health'] });
  const random = seededRandom('health');
  const { id } = await createRun(deps, parseSpec({ ...SPEC, stop: { iterations: 6 }, boxes: { labels: ['health'] } }));
  let isAsked = false;
  for (let i = 0; i < 100 && !(await now(id)).endedAt; i++) {
    await step(deps, id);
    const run = await now(id);
    if (!isAsked && run.incumbentIteration !== null) {
      isAsked = true;
      const what = { config: run.incumbentConfig, configKey: run.incumbentKey };
      for (const replicate of [1, 2])
        await deps.db.transaction((tx) =>
          queueJob(tx, run, { iterationId: null, iteration: null, role: 'audit', replicate, ...what }),
        );
    }
    await box.work((config) => loss(config) + 0.001 * random.normal());
  }
  const run = await now(id);
  expect(run.searchEnd?.jobIds).toHaveLength(4);
  const anew = (await audits(run)).filter((job) => run.searchEnd?.jobIds.includes(job.id));
  expect(await audits(run)).toHaveLength(6);
  expect((await loadTrajectory(deps.db, run)).confirmation?.values).toEqual(
    anew.filter((job) => job.configKey === run.incumbentKey).map((job) => job.metric),
  );
});

test('a confirmation on another box is not set against what the first one measured', async () => {
  const { id, box } = await toConfirming('moved');
  await database.sql`update boxes set removed_at = now() where id = ${box.id}`;
  const other = await paperBox(deps.db, { labels: ['moved'] });
  await releasePins(deps.db, new Date());
  const run = await finish(id, other, (config) => 1.3 * loss(config));
  expect(run).toMatchObject({ state: 'completed', endReason: 'iterations' });
  const trajectory = await loadTrajectory(deps.db, run);
  expect(trajectory.confirmation).toBeUndefined();
  expect(trajectory.unconfirmed?.why).toContain('another box');
  expect(reportText(trajectory, analyze(trajectory))).not.toContain('Confirmed:');
});

test('a run that confirms takes no more proposals, and can be stopped', async () => {
  const { id, box } = await toConfirming('stopped');
  await expect(submitProposal(deps, id, { raw: { knob: 'x', new_value: 3, reason: 'late' } })).rejects.toThrow(
    'the search is over',
  );
  await stopRun(deps, id);
  expect(await finish(id, box)).toMatchObject({ state: 'stopped' });
});

test('with compare: baseline the report names the best keep, not the last', async () => {
  const { id, box } = await toConfirming('baseline', {
    decision: { ...SPEC.decision, compare: 'baseline' },
    stop: { iterations: 10 },
  });
  const random = seededRandom('end');
  const run = await finish(id, box, (config) => loss(config) + 0.001 * random.normal());
  const trajectory = await loadTrajectory(deps.db, run);
  expect(trajectory.records.findLast(({ outcome }) => outcome === 'kept')?.iteration).not.toBe(run.incumbentIteration);
  const text = reportText(trajectory, analyze(trajectory));
  expect(text).toContain(`The configuration that the run ended with (iteration ${run.incumbentIteration})`);
  expect(analyze(readTrajectory(writeTrajectory(trajectory)))).toEqual(analyze(trajectory));
});

test('a box that has become faster in the night gains nothing by it in the report', async () => {
  const { id, box } = await toConfirming('drift');
  const before = await loadTrajectory(deps.db, await now(id));
  const run = await finish(id, box, (config) => 0.5 * loss(config));
  const { confirmed } = analyze(await loadTrajectory(deps.db, run));
  const truth = 1 - loss(run.incumbentConfig) / loss(run.baselineConfig);
  expect(confirmed?.improvement).toBeCloseTo(truth, 2);
  expect(confirmed?.mean).toBeLessThan(0.6 * (before.baseline.value ?? 0));
});
