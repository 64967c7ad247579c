import { PING_MS } from '@nightshift/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { expectSound } from '../e2e/checks.js';
import { startWorld, type World } from '../e2e/harness.js';
import { toySpec } from '../e2e/toy.js';

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

// Nobody is told of a half-open connection: the agent must find out by itself, by a ping that nobody answers.
test(
  'a connection that is half open for ever is given up, and what was lost in it is said again',
  { timeout: 6 * PING_MS },
  async () => {
    const ledger = `${world.dir}/ledger`;
    const env = world.jobEnv({
      TOY_LEDGER: ledger,
      TOY_BYTES: '400000',
      TOY_PARTS: '20',
      TOY_MS: '1500',
      TOY_POINTS: '100',
    });
    const run = await world.client.createRun(toySpec({ name: 'half-open', iterations: 1, baselineReplicates: 1, env }));
    const running = await world.events.until('a job to run', (event) => event.type === 'job.running');
    await world.client.firstByte(running.payload.jobId as string);
    const before = world.box.network.connections;
    expect(world.box.network.freeze()).toBeGreaterThan(0);
    const frozenAt = performance.now();
    await world.events.until('the job to end', (event) => event.type === 'job.succeeded', 3 * PING_MS);
    const seconds = (performance.now() - frozenAt) / 1000;
    console.log(JSON.stringify({ halfOpenFoundAfterSeconds: Math.round(seconds * 10) / 10 }));
    expect(seconds).toBeLessThan((2 * PING_MS) / 1000 + 10);
    expect(world.box.network.connections).toBeGreaterThan(before);
    await world.events.ended(run.id);
    await expectSound(world, run.id, ledger);
  },
);
