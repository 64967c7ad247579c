import { spawn, type IPty } from 'node-pty';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { printed, resultOf, runCli, startCli } from './cli-process.js';
import { startWorld, type World } from './harness.js';

const bin = fileURLToPath(new URL('../../cli/bin/nightshift.js', import.meta.url));
const fixtures = fileURLToPath(new URL('../fixtures/jobs', import.meta.url));

/** A person at a terminal, as seen by the command that they run in it. */
class Person {
  #text = '';
  #waiters = new Set<() => void>();
  readonly ended: Promise<number>;

  constructor(readonly pty: IPty) {
    pty.onData((data) => {
      this.#text += data;
      for (const look of this.#waiters) look();
    });
    this.ended = new Promise((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)));
  }
  get screen(): string {
    return this.#text;
  }
  async sees(text: string, timeoutMs = 20_000): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(look);
        reject(new Error(`never saw ${JSON.stringify(text)} in ${JSON.stringify(this.#text.slice(-2000))}`));
      }, timeoutMs);
      const look = () => {
        if (!this.#text.includes(text)) return;
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve();
      };
      this.#waiters.add(look);
      look();
    });
  }
}

describe('attach', () => {
  let database: TestDatabase;
  let world: World;
  let token: string;
  beforeAll(async () => {
    database = await createTestDatabase();
    world = await startWorld(database.url, { planes: 2, boxes: [{}] });
    token = await makeToken('attach', 'read');
  });
  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  const makeToken = async (...scopes: string[]) =>
    (await world.client.json<{ secret: string }>('POST', '/v1/tokens', { name: scopes.join(' '), scopes })).secret;

  /** A job that talks with whoever is attached, once it runs. */
  async function talkingJob(): Promise<{ run: string; job: string }> {
    const run = await world.client.createRun({
      name: 'talks',
      source: { path: fixtures },
      metric: { name: 'val_loss', goal: 'minimize' },
      job: { train: 'node talks.mjs', budget: '60s', grace: '300ms', env: world.jobEnv() },
      menu: { knobs: { a: { type: 'int', range: [0, 9], default: 1 } } },
      decision: { baselineReplicates: 1 },
      proposer: { kind: 'external' },
    });
    const { payload } = await world.events.until(
      'the job to run',
      (event) => event.runId === run.id && event.type === 'job.running',
    );
    await world.client.firstByte(payload.jobId as string);
    return { run: run.id, job: payload.jobId as string };
  }
  const stop = async (run: string) => {
    await world.client.json('POST', `/v1/runs/${run}/stop`);
    await world.events.ended(run);
    await world.events.until(
      'the end of its jobs',
      (event) => event.runId === run && /^job\.(succeeded|cancelled|failed)$/.test(event.type),
    );
  };

  function sitDown(args: string[], secret: string): Person {
    return new Person(
      spawn(process.execPath, [bin, 'attach', ...args], {
        cols: 90,
        rows: 30,
        env: {
          PATH: process.env.PATH ?? '',
          NIGHTSHIFT_HOME: join(world.dir, 'cli'),
          NIGHTSHIFT_SERVER: world.plane.url,
          NIGHTSHIFT_TOKEN: secret,
        },
      }),
    );
  }

  test('shows what the job has printed, types into it, follows the size, and leaves the terminal as it was', async () => {
    const { run, job } = await talkingJob();
    // A shell around it, so that the terminal's own settings can be seen afterwards.
    const person = new Person(
      spawn('/bin/sh', ['-c', 'stty -g; "$0" "$1" attach "$2"; stty -g; echo done', process.execPath, bin, run], {
        cols: 90,
        rows: 30,
        env: {
          PATH: process.env.PATH ?? '',
          NIGHTSHIFT_HOME: join(world.dir, 'cli'),
          NIGHTSHIFT_SERVER: world.plane.url,
          NIGHTSHIFT_TOKEN: token,
        },
      }),
    );
    await person.sees('size 160x100');
    await person.sees('size 90x30');
    person.pty.write('hello\r');
    await person.sees('heard hello');
    person.pty.resize(70, 20);
    await person.sees('size 70x20');
    person.pty.write('\x1d');
    await person.sees('done');
    expect(person.screen).toContain(`${job}: left; it goes on`);
    const settings = person.screen.match(/^[0-9a-f]+(:[0-9a-f]+)+/gm) ?? [];
    expect(settings).toHaveLength(2);
    expect(settings[0]).toBe(settings[1]);
    // The job goes on, in the size that it began with, and whoever comes next sees where it is.
    const next = sitDown([job], token);
    await next.sees('heard hello');
    await next.sees('size 160x100');
    next.pty.write('end\r');
    expect(await next.ended).toBe(0);
    expect(next.screen).toContain(`${job}: completed`);
    const log = (await world.client.log(job)).toString();
    expect(log).toContain('heard hello');
    await stop(run);
  });

  test('with a token that may only read watches, and its keys do nothing', async () => {
    const { run, job } = await talkingJob();
    const reader = sitDown([job], await makeToken('read'));
    await reader.sees('watching');
    reader.pty.write('rm -rf\r');
    await reader.sees('typing takes the scope attach');
    const writer = sitDown([job], token);
    await writer.sees('size 90x30');
    writer.pty.write('hello\r');
    await reader.sees('heard hello');
    expect(reader.screen).not.toContain('heard rm');
    writer.pty.write('end\r');
    expect(await reader.ended).toBe(0);
    expect(await writer.ended).toBe(0);
    await stop(run);
  });

  test('without a terminal only prints, until the job ends', async () => {
    const { run, job } = await talkingJob();
    const env = {
      NIGHTSHIFT_HOME: join(world.dir, 'cli'),
      NIGHTSHIFT_SERVER: world.plane.url,
      NIGHTSHIFT_TOKEN: token,
    };
    const piped = startCli(['attach', job], { env });
    const ended = resultOf(piped);
    piped.stdin?.end('typed into nothing\n');
    // Whoever has seen what was printed first is attached: a job that ends before that has no terminal to show.
    await printed(piped, 'size 160x100');
    const person = sitDown([job], token);
    await person.sees('size 90x30');
    person.pty.write('end\r');
    const { code, out } = await ended;
    expect(code).toBe(0);
    expect(out).toContain('size 160x100');
    expect(out).not.toContain('typed into nothing');
    expect(out).toContain('val_loss: 0.5');
    await stop(run);
    const late = await runCli(['attach', job], { env });
    expect(late).toMatchObject({ code: 64, out: '' });
    expect(late.err).toContain('has ended');
  });

  test('bears with a control plane that is killed, and can be left while it is away', async () => {
    const { run, job } = await talkingJob();
    const person = sitDown([job], token);
    await person.sees('size 90x30');
    await world.plane.kill();
    await person.sees('the connection is lost');
    person.pty.write('\x1d');
    expect(await person.ended).toBe(0);
    await world.plane.start();
    await stop(run);
  });

  test("the box's owner has the last word", async () => {
    const { run, job } = await talkingJob();
    writeFileSync(join(world.box.home, 'policy.json'), JSON.stringify({ attach: 'read' }));
    const person = sitDown([job], token);
    await person.sees('size 160x100');
    person.pty.write('hello\r');
    await person.sees('does not allow to type');
    expect(person.screen).not.toContain('size 90x30');
    writeFileSync(join(world.box.home, 'policy.json'), JSON.stringify({ attach: 'none' }));
    person.pty.write('again\r');
    await person.sees('does not allow to attach');
    person.pty.write('\x1d');
    await person.ended;
    writeFileSync(join(world.box.home, 'policy.json'), '{}');
    await stop(run);
  });

  test('is refused without a token, at another replica, and for what is no size', async () => {
    const { run, job } = await talkingJob();
    const ask = (base: string, headers: Record<string, string>) =>
      fetch(`${base}/v1/jobs/${job}/terminal`, { headers });
    const [here, there] = world.planes;
    expect((await ask(here?.url ?? '', {})).status).toBe(401);
    const elsewhere = await ask(there?.url ?? '', { authorization: `Bearer ${token}` });
    expect(elsewhere.status).toBe(503);
    expect(await elsewhere.json()).toMatchObject({ code: 'unavailable', hint: expect.stringContaining('replica') });
    const statusOf = (base: string, secret: string) =>
      new Promise<number>((resolve, reject) => {
        const socket = new WebSocket(`${base.replace('http', 'ws')}/v1/jobs/${job}/terminal`, {
          headers: { authorization: `Bearer ${secret}` },
        });
        socket.once('unexpected-response', (request, response) => {
          request.destroy();
          resolve(response.statusCode ?? 0);
        });
        socket.once('open', () => {
          socket.send('{"type":"resize","cols":0,"rows":7}');
          socket.once('close', resolve);
        });
        socket.on('error', reject);
      });
    expect(await statusOf(there?.url ?? '', token)).toBe(503);
    expect(await statusOf(here?.url ?? '', 'nst_wrong')).toBe(401);
    expect(await statusOf(here?.url ?? '', token)).toBe(4400);
    await stop(run);
  });
});
