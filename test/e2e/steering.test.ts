import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { expectSound } from './checks.js';
import { gate, startWorld, type World } from './harness.js';
import { toySpec } from './toy.js';

describe('a person at the wheel, over REST', () => {
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

  function gated(name: string, ledger?: string) {
    const dir = `${world.dir}/${name}`;
    mkdirSync(dir);
    const held = gate(dir);
    held.close();
    return { ...held, env: world.jobEnv({ ...held.env, ...(ledger ? { TOY_LEDGER: ledger } : {}) }) };
  }

  /** A job of the run that has begun to print: it is in the middle of its training. */
  async function trainingJob(runId: string): Promise<string> {
    const running = await world.events.until(
      'a job to run',
      (event) => event.runId === runId && event.type === 'job.running',
    );
    await world.client.firstByte(running.payload.jobId as string);
    return running.payload.jobId as string;
  }

  test('pause lets the job end and starts nothing new; resume goes on; not a byte differs', async () => {
    const ledger = `${world.dir}/ledger`;
    const held = gated('pause', ledger);
    const env = { ...held.env, TOY_BYTES: '900000', TOY_PARTS: '3', TOY_POINTS: '900', TOY_TAIL: '65536' };
    const run = await world.client.createRun(toySpec({ name: 'paused', iterations: 2, baselineReplicates: 1, env }));
    const job = await trainingJob(run.id);
    expect(await world.client.json('POST', `/v1/runs/${run.id}/pause`)).toMatchObject({ state: 'paused' });
    held.open();
    await world.events.until(
      'the job to end',
      (event) => event.payload.jobId === job && event.type === 'job.succeeded',
    );
    expect(world.events.of(run.id, 'job.running')).toHaveLength(1);
    expect(await world.client.json('POST', `/v1/runs/${run.id}/resume`)).toMatchObject({ endedAt: null });
    await world.events.ended(run.id);
    await expectSound(world, run.id, ledger);
    const order = world.events.of(run.id, 'run.paused', 'run.resumed', 'job.assigned').map((event) => event.type);
    expect(order.slice(0, 4)).toEqual(['job.assigned', 'run.paused', 'run.resumed', 'job.assigned']);
  });

  test('stop ends the job that trains, and proves that nothing of it is left', async () => {
    const held = gated('stop');
    const run = await world.client.createRun(toySpec({ name: 'stopped', iterations: 5, env: held.env }));
    const job = await trainingJob(run.id);
    expect(world.jobProcesses().length > 0 || process.platform !== 'linux').toBe(true);
    expect(await world.client.json('POST', `/v1/runs/${run.id}/stop`)).toMatchObject({ isStopping: true });
    await world.events.ended(run.id);
    expect(await world.client.run(run.id)).toMatchObject({ state: 'stopped', endReason: 'stopped' });
    const [attempt] = await world.client.attempts(job);
    expect(attempt?.exit).toMatchObject({ reason: 'cancelled', leftPids: [], phases: [{ stoppedBy: ['INT'] }] });
    const jobs = await world.client.jobs(run.id);
    expect(jobs.map((one) => one.state)).toEqual(jobs.map(() => 'cancelled'));
    const again = await world.client.send('POST', `/v1/runs/${run.id}/proposals`, {
      knob: 'x',
      newValue: 1,
      reason: 'late',
    });
    expect(again.status).toBe(409);
  });

  test('a cancelled job ends its iteration, and the run goes on', async () => {
    const held = gated('cancel');
    held.open();
    const run = await world.client.createRun(
      toySpec({
        name: 'cancelled',
        iterations: 2,
        baselineReplicates: 1,
        env: held.env,
        proposer: { kind: 'external' },
      }),
    );
    const propose = (newValue: number) =>
      world.client.json<{ verdict: string }>('POST', `/v1/runs/${run.id}/proposals`, {
        knob: 'x',
        newValue,
        reason: 'a try',
      });
    await world.events.until('the baseline', (event) => event.runId === run.id && event.type === 'run.running');
    held.close();
    await propose(0.25);
    const measured = await world.events.until(
      'the candidate to run',
      (event) => event.runId === run.id && event.type === 'job.running' && event.payload['role'] === 'candidate',
    );
    const job = measured.payload.jobId as string;
    await world.client.firstByte(job);
    await world.client.json('POST', `/v1/jobs/${job}/cancel`);
    await world.events.until(
      'its iteration to end',
      (event) => event.runId === run.id && event.type === 'iteration.cancelled',
    );
    held.open();
    await propose(0.5);
    await propose(0.75);
    await world.events.ended(run.id);
    expect(await world.client.run(run.id)).toMatchObject({ state: 'completed', endReason: 'iterations' });
    const iterations = await expectSound(world, run.id);
    expect(iterations.map((iteration) => iteration.state === 'cancelled')).toEqual([true, false, false]);
  });

  test('proposals come by REST under the same rails, as an object or as a model would write', async () => {
    const run = await world.client.createRun(
      toySpec({
        name: 'external',
        iterations: 3,
        baselineReplicates: 1,
        env: world.jobEnv(),
        proposer: { kind: 'external' },
      }),
    );
    const propose = (body: unknown) =>
      world.client.send('POST', `/v1/runs/${run.id}/proposals`, body).then(({ status, body: text }) => ({
        status,
        ...(JSON.parse(text.toString()) as {
          verdict: string;
          rail: string | null;
          iteration: { number: number } | null;
        }),
      }));
    expect(await propose({ knob: 'x', newValue: 9, reason: 'too far' })).toMatchObject({
      status: 200,
      rail: 'range',
      iteration: null,
    });
    expect(await propose({ knob: 'y', newValue: 1, reason: 'no such knob' })).toMatchObject({
      status: 200,
      verdict: 'block',
    });
    expect(await propose({ knob: 'x', newValue: 1.5, reason: 'as it is' })).toMatchObject({
      status: 200,
      rail: 'noop',
    });
    expect(await propose({ raw: 'I think that x should be 1' })).toMatchObject({ status: 200, rail: 'schema' });
    expect(await propose({ knob: 'x', newValue: 0.5, reason: 'nearer' })).toMatchObject({
      status: 201,
      iteration: { number: 1 },
    });
    expect(await propose({ knob: 'x', newValue: 0.5, reason: 'again' })).toMatchObject({ status: 200, rail: 'repeat' });
    expect(await propose({ raw: '{"knob":"depth","new_value":4,"reason":"deeper"}' })).toMatchObject({
      status: 201,
      iteration: { number: 2 },
    });
    expect(await propose({ knob: 'kind', newValue: 'round', reason: 'rounder' })).toMatchObject({
      status: 201,
      iteration: { number: 3 },
    });
    await world.events.ended(run.id);
    expect(await world.client.run(run.id)).toMatchObject({ state: 'completed', endReason: 'iterations' });
    const iterations = await expectSound(world, run.id);
    expect(iterations).toHaveLength(3);
    expect(iterations.every((iteration) => iteration.proposer === 'external')).toBe(true);
    expect(iterations.map((iteration) => iteration.metric)).not.toContain(null);
  });
});
