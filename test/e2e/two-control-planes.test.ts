import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { expectSound } from './checks.js';
import { startWorld, type World } from './harness.js';
import { toySpec } from './toy.js';

describe('two control planes on one database, a box on each', () => {
  let database: TestDatabase;
  let world: World;
  beforeAll(async () => {
    database = await createTestDatabase();
    world = await startWorld(database.url, { planes: 2, boxes: [{}, {}] });
  });
  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  test('one decision for each iteration, none twice, and both boxes work', async () => {
    // A box that connects late may find that the other has done all the work.
    const states = async () =>
      (await world.client.json<{ items: { state: string }[] }>('GET', '/v1/boxes')).items.map(({ state }) => state);
    await expect.poll(states).toEqual(['online', 'online']);
    const ledger = `${world.dir}/ledger`;
    const env = world.jobEnv({ TOY_LEDGER: ledger, TOY_BYTES: '20000', TOY_POINTS: '40' });
    const run = await world.client.createRun(toySpec({ name: 'twins', iterations: 12, parallel: 2, env }));
    await world.events.ended(run.id);
    expect(await world.client.run(run.id)).toMatchObject({ state: 'completed', endReason: 'iterations' });
    const iterations = await expectSound(world, run.id, ledger);
    expect(iterations.filter((iteration) => iteration.state !== 'cancelled')).toHaveLength(12);
    const boxes = new Set(world.events.of(run.id, 'job.assigned').map((event) => event.boxId));
    expect(boxes).toEqual(new Set(world.boxes.map((box) => box.boxId)));
  });
});
