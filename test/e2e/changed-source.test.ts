import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { runCli } from './cli-process.js';
import { startWorld, type World } from './harness.js';

const TRAIN = `import { writeFileSync } from 'node:fs';
const w = 3;
writeFileSync('model.json', JSON.stringify({ w }));
`;
const EVALUATE = `import { readFileSync } from 'node:fs';
console.log('loss: ' + JSON.parse(readFileSync('model.json', 'utf8')).w);
`;

describe('a source folder in which a person works during a run', { timeout: 90_000 }, () => {
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

  function project(name: string, stop = 2): { source: string; spec: Record<string, unknown> } {
    const source = `${world.dir}/${name}`;
    mkdirSync(source);
    writeFileSync(`${source}/train.mjs`, TRAIN);
    writeFileSync(`${source}/evaluate.mjs`, EVALUATE);
    const spec = {
      name,
      source: { path: source },
      metric: { name: 'loss', goal: 'minimize' },
      job: { train: 'node train.mjs', evaluate: 'node evaluate.mjs', budget: '20s', grace: '300ms' },
      edit: { files: ['train.mjs'], sealed: ['evaluate.mjs'], artifacts: ['model.json'], repairs: 0 },
      proposer: { kind: 'external' },
      decision: { baselineReplicates: 2, maxReplicates: 1 },
      stop: { iterations: stop },
    };
    return { source, spec };
  }
  const baseline = (runId: string) =>
    world.events.until('the baseline', (event) => event.runId === runId && event.type === 'run.running');
  const propose = (runId: string, from: string, to: string) =>
    world.client.json('POST', `/v1/runs/${runId}/proposals`, {
      patch: `REASON: a test\n\ntrain.mjs\n<<<<<<< SEARCH\n${from}\n=======\n${to}\n>>>>>>> REPLACE\n`,
    });
  const flag = async (box: { boxId: string }, verb: string) => {
    await world.client.json('POST', `/v1/boxes/${box.boxId}/${verb}`);
  };

  test('changes nothing in the run, which says what was changed', async () => {
    const { source, spec } = project('edited-meanwhile');
    const run = await world.client.createRun(spec);
    await baseline(run.id);
    writeFileSync(`${source}/train.mjs`, TRAIN.replace('w = 3', 'w = 0'));
    writeFileSync(`${source}/evaluate.mjs`, `console.log('loss: 0');\n`);
    await propose(run.id, 'const w = 3;', 'const w = 2;');
    await world.events.until('the first', (event) => event.runId === run.id && event.type === 'iteration.kept');
    rmSync(`${source}/evaluate.mjs`);
    await propose(run.id, 'const w = 2;', 'const w = 1;');
    await world.events.ended(run.id);
    const iterations = await world.client.iterations(run.id);
    expect(iterations).toMatchObject([
      { state: 'kept', metric: 2 },
      { state: 'kept', metric: 1 },
    ]);
    const jobs = await world.client.jobs(run.id);
    expect(jobs.every((job) => job.attempt === 1 && job.state === 'succeeded')).toBe(true);
    const told = world.events.of(run.id, 'run.source_changed');
    expect(told.map((event) => event.payload['detail'])).toEqual(['changed: evaluate.mjs, train.mjs']);
    expect(readFileSync(`${source}/train.mjs`, 'utf8')).toContain('w = 0');
    for (const format of ['text', 'html', 'pr']) {
      const { body } = await world.client.send('GET', `/v1/runs/${run.id}/report?format=${format}`);
      expect(body.toString().replaceAll(/\s+/g, ' ')).toContain('(changed: evaluate.mjs, train.mjs)');
    }
  });

  test('is no ruler on a box that comes later: the job goes where the run is measured', async () => {
    const { source, spec } = project('two-rulers', 1);
    const run = await world.client.createRun(spec);
    await baseline(run.id);
    writeFileSync(`${source}/evaluate.mjs`, `${EVALUATE}console.log('loss: 0');\n`);
    await flag(world.box, 'drain');
    const late = await world.addBox();
    await propose(run.id, 'const w = 3;', 'const w = 2;');
    await world.events.until(
      'a refusal to measure',
      (event) => event.runId === run.id && event.type === 'job.requeued' && event.boxId === late.boxId,
    );
    await flag(world.box, 'undrain');
    await world.events.ended(run.id);
    expect(await world.client.iterations(run.id)).toMatchObject([{ state: 'kept', metric: 2 }]);
    const refused = world.events.of(run.id, 'job.requeued');
    expect(refused[0]?.payload).toMatchObject({
      reason: 'sealed_files_changed',
      detail: expect.stringContaining('the sealed files here (evaluate.mjs) are not those') as string,
    });
    const [succeeded] = world.events.of(run.id, 'job.succeeded').slice(-1);
    expect(succeeded?.boxId).toBe(world.box.boxId);
    await flag(late, 'drain');
  });

  test('ends the run with the cause and an exit code where no box has the sealed files any more', async () => {
    const { source, spec } = project('no-ruler');
    writeFileSync(`${source}/nightshift.yaml`, JSON.stringify(spec));
    const env = {
      NIGHTSHIFT_SERVER: world.plane.url,
      NIGHTSHIFT_TOKEN: (world.client.headers['authorization'] as string).slice('Bearer '.length),
    };
    const waiting = runCli(['run', source, '--wait'], { env });
    const queued = await world.events.until(
      'the run',
      (event) => event.type === 'run.queued' && event.payload['project'] === 'no-ruler',
    );
    const runId = queued.runId as string;
    await baseline(runId);
    writeFileSync(`${source}/evaluate.mjs`, `${EVALUATE}// another\n`);
    await flag(world.box, 'drain');
    await world.addBox();
    await propose(runId, 'const w = 3;', 'const w = 2;');
    await world.events.ended(runId);
    expect(await world.client.run(runId)).toMatchObject({ state: 'failed', endReason: 'infrastructure' });
    const { code, out } = await waiting;
    expect(code).toBe(30);
    expect(out).toContain('a job is tried again after attempt 1, sealed_files_changed: the sealed files here');
    expect(out).toMatch(/the run is failed: a job failed 3 times .* sealed_files_changed/);
    expect(world.events.of(runId, 'job.requeued')).toHaveLength(2);
  });
});
