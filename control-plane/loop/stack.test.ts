import { afterAll, beforeAll, expect, test } from 'vitest';
import { changedKnobs, parseSpec, type Config, type SpecInput } from '@nightshift/protocol';
import { findRun, listIterations, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { drive as driveRun, loopDeps, step } from '../testing/test-loop.js';
import { seededRandom } from '../search/index.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { submitProposal } from './submit-proposal.js';
import { loadTrajectory } from './trajectory-of-run.js';

const KNOBS = ['a', 'b', 'c', 'd', 'e'];
const SPEC: SpecInput = {
  name: 'small-gains',
  source: { path: '/nowhere' },
  metric: { name: 'loss', goal: 'minimize', bounds: [0, 100] },
  job: { train: 'true', budget: '1s' },
  menu: { knobs: Object.fromEntries(KNOBS.map((name) => [name, { type: 'bool', default: false }])) },
  decision: { baselineReplicates: 3, maxReplicates: 2, minImprovement: 0.03 },
  stop: { iterations: 10 },
};
// Each knob is worth 1.2%, and nothing below 3% is ever kept.
const loss = (config: Config) => 10 - 0.12 * KNOBS.filter((name) => config[name] === true).length;

let database: TestDatabase;
let deps: LoopDeps;
beforeAll(async () => {
  database = await createTestDatabase();
  deps = loopDeps(database.db);
});
afterAll(() => database.drop());

async function drive(input: Partial<SpecInput>): Promise<RunRow> {
  const noise = seededRandom('stack');
  const { id } = await createRun(deps, parseSpec({ ...SPEC, ...input }));
  return driveRun(deps, id, await paperBox(deps.db), (config) => loss(config) + 0.002 * noise.normal());
}

test('gains too small to be kept one by one are stacked, and kept together', async () => {
  const run = await drive({});
  const iterations = await listIterations(deps.db, run.id);
  const kept = iterations.find(({ state }) => state === 'kept');
  expect(changedKnobs(run.baselineConfig, kept?.config as Config).length).toBeGreaterThan(1);
  expect(kept?.standsOn).not.toBeNull();
  // One knob of the configuration that it says it stands on, which was measured and not kept.
  const below = iterations.find(({ number }) => number === kept?.standsOn);
  expect(below?.state).not.toBe('kept');
  expect(changedKnobs(below?.config as Config, kept?.config as Config)).toEqual([kept?.proposal?.knob]);
  const { records } = await loadTrajectory(deps.db, run);
  expect(records.find(({ outcome }) => outcome === 'kept')?.standsOn).toBe(kept?.standsOn);
});

test.each<Partial<SpecInput>>([
  { decision: { ...SPEC.decision, stack: false } },
  { decision: { ...SPEC.decision, compare: 'baseline' } },
  { proposer: { kind: 'random' } },
])('with %j every candidate is one change of what it is compared with', async (input) => {
  const run = await drive(input);
  const iterations = (await listIterations(deps.db, run.id)).filter(({ config }) => config !== null);
  expect(iterations.length).toBeGreaterThan(3);
  for (const { config, standsOn } of iterations) {
    expect(standsOn).toBeNull();
    expect(changedKnobs(run.baselineConfig, config as Config)).toHaveLength(1);
  }
});

test('what a person hands in changes the incumbent, whatever is believed best', async () => {
  const box = await paperBox(deps.db);
  const { id } = await createRun(deps, parseSpec({ ...SPEC, proposer: { kind: 'external' } }));
  const tell = (knob: string) => submitProposal(deps, id, { raw: { knob, new_value: true, reason: 'a person' } });
  for (let i = 0; i < 4; i++) {
    await step(deps, id);
    await box.work((config) => loss(config) + 0.001 * i);
  }
  await tell('a');
  await step(deps, id);
  await box.work(loss);
  await step(deps, id);
  const { iteration } = await tell('b');
  expect(iteration?.standsOn).toBeNull();
  expect(iteration?.config).toMatchObject({ a: false, b: true });
});

/** Runs to the end on these boxes, each job ended by `end`. */
async function driveJobs(
  input: Partial<SpecInput>,
  boxes: PaperBox[],
  end: (config: Config, box: number, job: { attemptId: string; token: string }) => Promise<number | 'crash'>,
): Promise<RunRow> {
  const { id } = await createRun(deps, parseSpec({ ...SPEC, ...input }));
  for (let i = 0; i < 300; i++) {
    await step(deps, id);
    if ((await findRun(deps.db, id))?.endedAt) break;
    let worked = 0;
    for (const [index, box] of boxes.entries()) {
      const job = await box.take();
      if (!job) continue;
      worked++;
      await box.begin(job);
      const value = await end(job.config, index, job);
      await box.finish(job, value === 'crash' ? exitOf('crash', null) : exitOf('completed', value));
    }
    if (worked === 0) break;
  }
  return (await findRun(deps.db, id)) as RunRow;
}
const stoodOn = async (run: RunRow) => {
  const iterations = await listIterations(deps.db, run.id);
  return iterations.flatMap(({ standsOn }) => iterations.filter(({ number }) => number === standsOn));
};

test('what a guard would not let be kept is no front', async () => {
  const box = await paperBox(deps.db, { labels: ['guard'] });
  const noise = seededRandom('guard');
  const knobs = Object.fromEntries(['big', ...KNOBS].map((name) => [name, { type: 'bool' as const, default: false }]));
  const run = await driveJobs(
    { menu: { knobs }, guard: [{ name: 'mem', max: 10 }], boxes: { labels: ['guard'] }, stop: { iterations: 14 } },
    [box],
    async (config, _, job) => {
      const points = [{ name: 'mem', value: config['big'] === true ? 20 : 5, at: new Date().toISOString() }];
      await box.report(job as Parameters<PaperBox['report']>[0], 0, points);
      return loss(config) - (config['big'] === true ? 1 : 0) + 0.002 * noise.normal();
    },
  );
  const under = await stoodOn(run);
  expect(under.length).toBeGreaterThan(0);
  for (const { config } of under) expect(config?.['big']).toBe(false);
});

test('what crashed when it was measured again is no front', async () => {
  const noise = seededRandom('crash');
  const seen = new Map<string, number>();
  const run = await driveJobs(
    { decision: { ...SPEC.decision, maxReplicates: 3, minImprovement: 0.005 }, boxes: { labels: ['crash'] } },
    [await paperBox(deps.db, { labels: ['crash'] })],
    async (config) => {
      const key = JSON.stringify(config);
      seen.set(key, (seen.get(key) ?? 0) + 1);
      if (config['a'] === true && (seen.get(key) ?? 0) > 1) return 'crash';
      return 10 - (config['a'] === true ? 0.25 : 0) + 0.05 * noise.normal();
    },
  );
  for (const { state } of await stoodOn(run)) expect(state).not.toBe('failed');
});

test('a faster box makes no front: its numbers are not those that candidates are compared with', async () => {
  const boxes = [await paperBox(deps.db, { labels: ['two'] }), await paperBox(deps.db, { labels: ['two'] })];
  await boxes[1]?.greet({ cpus: 2 });
  const noise = seededRandom('two');
  const run = await driveJobs(
    { boxes: { labels: ['two'], parallel: 2 }, stop: { iterations: 12 } },
    boxes,
    // Every knob is harmful; the second box is a tenth better at everything.
    async (config, box) => (20 - loss(config)) * (box === 1 ? 0.9 : 1) + 0.002 * noise.normal(),
  );
  expect(await stoodOn(run)).toEqual([]);
});

test('a candidate that trained while the incumbent changed says what it is a change of', async () => {
  const boxes = [await paperBox(deps.db, { labels: ['side'] }), await paperBox(deps.db, { labels: ['side'] })];
  const { id } = await createRun(
    deps,
    parseSpec({
      ...SPEC,
      proposer: { kind: 'external' },
      boxes: { labels: ['side'], parallel: 2 },
      decision: { ...SPEC.decision, confirm: 0 },
      stop: { iterations: 2 },
    }),
  );
  const value = (config: Config) => 10 - (config['a'] === true ? 1 : 0) - (config['b'] === true ? 2 : 0);
  const noise = seededRandom('side');
  for (let i = 0; i < 3; i++) {
    await step(deps, id);
    await boxes[0]?.work((config) => value(config) + 0.002 * noise.normal());
  }
  await step(deps, id);
  for (const knob of ['a', 'b']) await submitProposal(deps, id, { raw: { knob, new_value: true, reason: 'both' } });
  const held: { box: PaperBox; job: NonNullable<Awaited<ReturnType<PaperBox['take']>>> }[] = [];
  for (let i = 0; i < 40 && !(await findRun(deps.db, id))?.endedAt; i++) {
    await step(deps, id);
    for (const box of boxes) {
      const job = await box.take();
      if (!job) continue;
      await box.begin(job);
      held.push({ box, job });
    }
    // What belongs to a ends first, so that a is kept while b trains.
    held.sort((one, other) => Number(other.job.config['a'] === true) - Number(one.job.config['a'] === true));
    const next = held.shift();
    if (!next) break;
    await next.box.finish(next.job, exitOf('completed', value(next.job.config) + 0.002 * noise.normal()));
  }
  const [a, b] = await listIterations(deps.db, id);
  expect([a?.state, b?.state]).toEqual(['kept', 'kept']);
  expect(a).toMatchObject({ standsOn: null });
  // It holds no a: a change of the baseline that was compared with a.
  expect(b).toMatchObject({ standsOn: 0, comparatorKey: a?.configKey });
});
