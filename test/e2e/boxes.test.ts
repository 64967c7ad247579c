import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { identityOf } from '@nightshift/gpu-agent/process/identity';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { runCli } from './cli-process.js';
import { gate, startWorld, type World } from './harness.js';
import { toySpec } from './toy.js';

interface BoxSeen {
  isCordoned: boolean;
  isDraining: boolean;
  isDirty: boolean;
  dirtyPids: number[];
}

describe('looking after boxes, by command, with a real agent', () => {
  let database: TestDatabase;
  let world: World;
  let token: string;
  beforeAll(async () => {
    database = await createTestDatabase();
    world = await startWorld(database.url, { boxes: [{}] });
    ({ secret: token } = await world.client.json<{ secret: string }>('POST', '/v1/tokens', {
      name: 'boxes',
      scopes: ['admin'],
    }));
  });
  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  const boxes = async (...args: string[]): Promise<string> => {
    const env = {
      NIGHTSHIFT_HOME: join(world.dir, 'cli'),
      NIGHTSHIFT_SERVER: world.plane.url,
      NIGHTSHIFT_TOKEN: token,
    };
    const { code, out, err } = await runCli(['boxes', ...args], { env });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return out;
  };
  const seen = () => world.client.json<BoxSeen>('GET', `/v1/boxes/${world.box.name}`);
  const until = async (test: (box: BoxSeen) => boolean): Promise<void> => {
    while (!test(await seen())) await new Promise((resolve) => setTimeout(resolve, 100));
  };
  const start = (name: string, env: Record<string, string> = {}) =>
    world.client.createRun(toySpec({ name, iterations: 1, baselineReplicates: 1, env: world.jobEnv(env) }));
  const assigned = (runId: string) => world.events.of(runId, 'job.assigned');
  /** Gives the sweep the time to do what it must not do. */
  const sweepPasses = () => new Promise((resolve) => setTimeout(resolve, 2_500));

  test('a cordoned box gets nothing, and everything at once when it no longer is', async () => {
    expect(await boxes('cordon', world.box.name)).toContain('cordoned');
    const run = await start('cordon');
    await sweepPasses();
    expect(assigned(run.id)).toEqual([]);
    expect(await boxes('uncordon', world.box.name)).not.toContain('cordoned');
    await world.events.ended(run.id);
  });

  test('a draining box finishes what it has and gets nothing more', async () => {
    const hold = gate(world.dir);
    hold.close();
    const run = await start('drain', hold.env);
    await world.events.until('its job', (event) => event.runId === run.id && event.type === 'job.running');
    expect(await boxes('drain', world.box.name)).toContain('draining');
    hold.open();
    await world.events.until('its end', (event) => event.runId === run.id && event.type === 'job.succeeded');
    await sweepPasses();
    expect(assigned(run.id)).toHaveLength(1);
    expect((await seen()).isDraining).toBe(true);
    await boxes('undrain', world.box.name);
    await world.events.ended(run.id);
  });

  test('a dirty box names who survived, gets nothing, and is cleaned', async () => {
    await world.box.stop();
    const survivor = spawn('sleep', ['600'], { stdio: 'ignore' });
    const gone = once(survivor, 'exit');
    const left = { ...identityOf(survivor.pid as number), attemptId: 'att_long_ago' };
    writeFileSync(join(world.box.home, 'dirty.json'), JSON.stringify([left]));
    await world.box.start();
    await until((box) => box.isDirty);
    expect((await seen()).dirtyPids).toEqual([survivor.pid]);
    expect(await boxes()).toContain(`dirty (${survivor.pid})`);
    const run = await start('dirty');
    await sweepPasses();
    expect(assigned(run.id)).toEqual([]);
    expect(await boxes('clean', world.box.name)).toContain('asked to clean up');
    await gone;
    await until((box) => !box.isDirty);
    await world.events.ended(run.id);
  });

  test('a removed box is told, and its job goes to another', async () => {
    const hold = gate(world.dir);
    hold.close();
    const run = await start('remove', hold.env);
    const first = await world.events.until(
      'its job',
      (event) => event.runId === run.id && event.type === 'job.running',
    );
    const other = await world.addBox();
    expect(await boxes('remove', world.box.name)).toContain('removed');
    hold.open();
    const second = await world.events.until(
      'the other box',
      (event) => event.runId === run.id && event.type === 'job.assigned' && event.boxId === other.boxId,
    );
    expect(second.payload.jobId).toBe(first.payload.jobId);
    await world.events.ended(run.id);
    expect(await boxes()).not.toContain(`${world.box.name} `);
  });
});
