import { PING_MS } from '@nightshift/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSound } from '../e2e/checks.js';
import { startWorld, type World } from '../e2e/harness.js';
import { toySpec } from '../e2e/toy.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { runChaos } from './chaos.js';

/** 200 by hand; the bounded number here takes about a minute on two busy cores. */
const CYCLES = Number(process.env.NIGHTSHIFT_CHAOS_CYCLES ?? 25);
const SEED = Number(process.env.NIGHTSHIFT_CHAOS_SEED ?? 1);

// Side by side: the second one mostly waits for a ping that nobody answers.
describe.concurrent('whatever is killed or cut', () => {
  let database: TestDatabase;
  let quietDatabase: TestDatabase;
  let world: World;
  beforeAll(async () => {
    database = await createTestDatabase();
    quietDatabase = await createTestDatabase();
    world = await startWorld(quietDatabase.url);
  });
  afterAll(async () => {
    await world?.stop();
    await quietDatabase?.drop();
    await database?.drop();
  });

  test(
    `nothing is lost, doubled or left running in ${CYCLES} cycles from seed ${SEED}`,
    { timeout: 240_000 + CYCLES * 5_000 },
    async () => {
      const report = await runChaos({ databaseUrl: database.url, cycles: CYCLES, seed: SEED, isServerOwn: false });
      console.log(JSON.stringify(report));
      expect(report.problems).toEqual([]);
      expect(Object.values(report.struck).reduce((sum, n) => sum + n, 0)).toBe(CYCLES);
      expect(report.counts.decisions).toBeGreaterThan(0);
      expect(report.counts.logBytes).toBeGreaterThan(report.counts.jobs * 200_000 - 1);
    },
  );

  // Nobody is told of a half-open connection: the agent must find out by itself.
  test(
    'a connection that is half open for ever is given up, and what was lost in it is said again',
    { timeout: 6 * PING_MS },
    async () => {
      const ledger = `${world.dir}/ledger`;
      const about = { TOY_LEDGER: ledger, TOY_BYTES: '400000', TOY_PARTS: '20', TOY_MS: '1500', TOY_POINTS: '100' };
      const env = world.jobEnv(about);
      const run = await world.client.createRun(
        toySpec({ name: 'half-open', iterations: 1, baselineReplicates: 1, env }),
      );
      const running = await world.events.until('a job to run', (event) => event.type === 'job.running');
      await world.client.firstByte(running.payload.jobId as string);
      const before = world.box.network.connections;
      expect(world.box.network.freeze()).toBeGreaterThan(0);
      const frozenAt = performance.now();
      await world.events.until('the job to end', (event) => event.type === 'job.succeeded', 4 * PING_MS);
      const seconds = (performance.now() - frozenAt) / 1000;
      console.log(JSON.stringify({ halfOpenFoundAfterSeconds: Math.round(seconds * 10) / 10 }));
      expect(seconds).toBeLessThan((2 * PING_MS) / 1000 + 15);
      expect(world.box.network.connections).toBeGreaterThan(before);
      await world.events.ended(run.id);
      await expectSound(world, run.id, ledger);
    },
  );
});
