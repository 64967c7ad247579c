import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startModelServer, type ModelServer, type ModelServerOptions } from '../model-server/index.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { expectSound } from './checks.js';
import { gate, startWorld, type World } from './harness.js';
import { toySpec } from './toy.js';

describe('a control plane that is killed', () => {
  let database: TestDatabase;
  let world: World;
  let model: ModelServer;
  // It thinks for longer than this test lasts, until it is told to answer at once.
  const manners: ModelServerOptions = { behaviour: 'well-behaved', latencyMs: 600_000 };
  beforeAll(async () => {
    database = await createTestDatabase();
    model = await startModelServer(manners);
    world = await startWorld(database.url);
  });
  afterAll(async () => {
    await world?.stop();
    await model?.close();
    await database?.drop();
  });

  test('during training and again during a model call: the run goes on, and nothing is measured or decided twice', async () => {
    const ledger = `${world.dir}/ledger`;
    mkdirSync(`${world.dir}/gate`);
    const held = gate(`${world.dir}/gate`);
    const env = world.jobEnv({
      ...held.env,
      TOY_LEDGER: ledger,
      TOY_BYTES: '60000',
      TOY_PARTS: '4',
      TOY_POINTS: '100',
    });
    held.close();
    const proposer = { kind: 'model' as const, model: { baseUrl: model.url, name: 'm', timeout: '80s' } };
    const run = await world.client.createRun(toySpec({ name: 'killed', iterations: 5, env, proposer }));

    // In the middle of a job, which goes on without a control plane, prints, and ends.
    const running = await world.events.until('a job to run', (event) => event.type === 'job.running');
    await world.client.firstByte(running.payload.jobId as string);
    await world.plane.kill();
    held.open();
    await world.plane.start();

    // In the middle of a call: the model has the question and has not answered.
    await waitFor(() => model.calls.length > 0);
    await world.plane.kill();
    await waitFor(() => model.calls.every((call) => call.isAbandoned));
    manners.latencyMs = 5;
    await world.plane.start();

    await world.events.ended(run.id);
    expect(await world.client.run(run.id)).toMatchObject({ state: 'completed', endReason: 'iterations' });
    const iterations = await expectSound(world, run.id, ledger);
    expect(iterations.filter((iteration) => iteration.state !== 'cancelled')).toHaveLength(5);
    expect(world.events.of(run.id, 'job.requeued')).toEqual([]);
    expect(world.events.reconnects).toBeGreaterThanOrEqual(2);
    // The box hears of its release after the run has ended.
    await expect.poll(() => world.box.jobDirectories()).toEqual([]);
  });
});

// The model server has no events; it is in this process, so looking costs nothing.
async function waitFor(isTrue: () => boolean): Promise<void> {
  const until = Date.now() + 40_000;
  while (!isTrue()) {
    if (Date.now() > until) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
