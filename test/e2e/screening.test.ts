import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTrajectory } from '@nightshift/control-plane/trajectory/index';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { expectSound } from './checks.js';
import { startWorld, type World } from './harness.js';

let database: TestDatabase;
let world: World;
beforeAll(async () => {
  database = await createTestDatabase();
  world = await startWorld(database.url);
});
afterAll(async () => {
  await world?.stop();
  await database?.drop();
});

/**
 * Ends at `2 + x / 100`, the higher the shorter its budget is, with a little noise of its seed. It lasts in proportion to its budget, and
 * to its own start on a busy machine: where a cheap training takes as long as a full one, screening turns itself off.
 */
const TRAIN = `
import { readFileSync } from 'node:fs';
const { x } = JSON.parse(readFileSync(process.env.NIGHTSHIFT_CONFIG, 'utf8'));
const noise = ((Number(process.env.NIGHTSHIFT_SEED) % 1000) / 1000 - 0.5) * 0.002;
const seconds = Number(process.env.NIGHTSHIFT_BUDGET_SECONDS);
await new Promise((resolve) => setTimeout(resolve, Math.max(25, performance.now() / 6) * seconds));
console.log('score: ' + (2 + x / 100) * (1 + 3 / seconds) * (1 + noise));
`;

test('a candidate that is hopeless at the cheap budget is screened out, by real processes on a real box', async () => {
  const source = `${world.dir}/project`;
  mkdirSync(source);
  writeFileSync(`${source}/train.mjs`, TRAIN);
  const run = await world.client.createRun({
    name: 'screened',
    source: { path: source },
    metric: { name: 'score', goal: 'minimize' },
    job: { train: 'node train.mjs', budget: '60s', env: world.jobEnv() },
    menu: { knobs: { x: { type: 'int', range: [-100, 100], default: 0 } } },
    proposer: { kind: 'external' },
    decision: { minImprovement: 0.01, baselineReplicates: 2, maxReplicates: 2 },
    fidelity: { screen: { budget: '6s' } },
    stop: { iterations: 8 },
  });
  await world.events.until('the baseline', (event) => event.runId === run.id && event.type === 'run.running');
  let proposed = 0;
  const tryOut = async (x: number): Promise<string> => {
    await world.client.json('POST', `/v1/runs/${run.id}/proposals`, { knob: 'x', newValue: x, reason: 'a test' });
    const iteration = ++proposed;
    const ends = ['kept', 'reverted', 'inconclusive', 'failed', 'screened_out'].map((word) => `iteration.${word}`);
    const end = await world.events.until(
      `the end of iteration ${iteration}`,
      (event) => event.runId === run.id && ends.includes(event.type) && event.payload.iteration === iteration,
    );
    return end.type;
  };
  for (const x of [20, 30, 10, 25, 15]) expect(await tryOut(x)).toBe('iteration.reverted');
  expect(await tryOut(60)).toBe('iteration.screened_out');
  expect(await tryOut(60)).toBe('iteration.reverted');
  expect(await tryOut(-20)).toBe('iteration.kept');
  await world.events.ended(run.id);

  const iterations = await expectSound(world, run.id);
  expect(iterations[5]).toMatchObject({
    state: 'screened_out',
    metric: null,
    decision: null,
    failure: null,
    screening: { outcome: 'screened_out', pairs: 5, comparatorN: expect.any(Number) },
  });
  const jobs = (await world.client.jobs(run.id)).filter((job) => job.iterationId === iterations[5]?.id);
  expect(new Set(jobs.map((job) => job.role))).toEqual(new Set(['screen']));
  const [own] = await world.client.attempts(jobs[0]?.id as string);
  expect(own?.exit).toMatchObject({ reason: 'completed', leftPids: [] });

  const read = async (path: string) => (await world.client.send('GET', `/v1/runs/${run.id}/${path}`)).body.toString();
  const exported = readTrajectory(await read('export?format=jsonl'));
  expect(exported.records.map((record) => record.outcome)).toEqual([
    ...Array.from({ length: 5 }, () => 'reverted'),
    'screened_out',
    'reverted',
    'kept',
  ]);
  expect(exported.records[5]).toMatchObject({ values: [], metric: null, screening: { outcome: 'screened_out' } });
  expect((await read('export?format=csv')).split('\r\n')[6]).toMatch(/^6,screened_out,external,x,60,,0,/);
  expect(await read('report?format=markdown')).toContain('1 of 7 candidates given up at the cheap budget');
});
