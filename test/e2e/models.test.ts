import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startModelServer, type Behaviour } from '../model-server/index.js';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { expectSound } from './checks.js';
import { startWorld, type World } from './harness.js';
import { toySpec } from './toy.js';

const ITERATIONS = 4;

describe('a run that a model drives ends with all its iterations, however the model behaves', () => {
  let database: TestDatabase;
  let world: World;
  beforeAll(async () => {
    database = await createTestDatabase();
    world = await startWorld(database.url, { boxes: [{ slots: 3 }] });
  });
  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  const behaviours: { behaviour: Behaviour; answers: boolean; fallbacks: 'none' | 'some' | 'all'; timeout?: string }[] =
    [
      { behaviour: 'well-behaved', answers: true, fallbacks: 'none' },
      { behaviour: 'fenced', answers: true, fallbacks: 'none' },
      { behaviour: 'think', answers: true, fallbacks: 'none' },
      { behaviour: 'malformed40', answers: true, fallbacks: 'some' },
      { behaviour: 'repeating', answers: true, fallbacks: 'some' },
      { behaviour: 'status429', answers: false, fallbacks: 'all' },
      { behaviour: 'status500', answers: false, fallbacks: 'all' },
      { behaviour: 'never', answers: false, fallbacks: 'all', timeout: '300ms' },
    ];
  test.concurrent.each(behaviours)('$behaviour', async ({ behaviour, answers, fallbacks, ...given }) => {
    // A model that answers is waited for, however busy this machine is; the others are tried again until this is over.
    const timeout = given.timeout ?? (answers ? '60s' : '3s');
    const server = await startModelServer({ behaviour, latencyMs: 5, seed: 3 });
    try {
      const proposer = {
        // A model alone: in a hybrid the sampler may find that a proposal promises too little to be measured.
        kind: 'model' as const,
        model: { baseUrl: server.url, name: behaviour, timeout },
      };
      const run = await world.client.createRun(
        toySpec({
          name: `model-${behaviour}`,
          iterations: ITERATIONS,
          baselineReplicates: 1,
          env: world.jobEnv(),
          proposer,
        }),
      );
      await world.events.ended(run.id);
      const ended = await world.client.run(run.id);
      expect(ended).toMatchObject({ state: 'completed', endReason: 'iterations' });
      const iterations = (await expectSound(world, run.id)).filter((one) => one.state !== 'cancelled');
      expect(iterations).toHaveLength(ITERATIONS);
      const byModel = iterations.filter((one) => one.proposer === 'model' && one.state !== 'blocked').length;
      const told = world.events.of(run.id, 'model.fallback').length;
      expect(server.calls.length).toBeGreaterThan(0);
      if (answers) expect(byModel).toBeGreaterThan(0);
      else expect(byModel).toBe(0);
      if (fallbacks === 'none') expect(told).toBe(0);
      if (fallbacks === 'all') expect(told).toBeGreaterThan(0);
      // Every call is in the ledger with what became of it.
      const calls = await Promise.all(
        iterations.map((iteration) =>
          world.client.json<{ calls: { outcome: string; error: string | null }[] }>(
            'GET',
            `/v1/runs/${run.id}/iterations/${iteration.number}/prompt`,
          ),
        ),
      );
      const outcomes = calls.flatMap((call) => call.calls);
      expect(outcomes.length).toBeGreaterThan(0);
      // More than were measured: a proposal may be put back when the incumbent has changed.
      if (answers)
        expect(outcomes.filter((call) => call.outcome === 'accepted').length).toBeGreaterThanOrEqual(byModel);
      else expect(outcomes.every((call) => call.error !== null)).toBe(true);
    } finally {
      await server.close();
    }
  });
});
