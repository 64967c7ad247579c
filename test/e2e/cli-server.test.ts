import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmptyDatabase } from '@nightshift/db/testing/database';
import { firstLine, printed, resultOf, runCli, startCli, type CliResult } from './cli-process.js';

// Trains in no time: a parabola with its lowest point at 3, and no noise.
const TRAIN = `const { x } = JSON.parse(require('fs').readFileSync(process.env.NIGHTSHIFT_CONFIG, 'utf8'));
console.log('loss: ' + ((x - 3) ** 2 + 1));
`;
const SPEC = `name: parabola
metric: { name: loss, goal: minimize }
job: { train: node train.cjs, budget: 30s, grace: 500ms }
menu: { knobs: { x: { type: int, range: [0, 6], default: 0 } } }
proposer: { kind: external }
decision: { minImprovement: 0.01, baselineReplicates: 2, maxReplicates: 1 }
stop: { iterations: 2 }
`;

describe('the command line, from serve to report', () => {
  let folder: string;
  let url: string;
  let database: Awaited<ReturnType<typeof createEmptyDatabase>>;
  const children: ChildProcess[] = [];
  const env = () => ({ NIGHTSHIFT_HOME: join(folder, 'home'), NIGHTSHIFT_SERVER: url });
  const run = (...args: string[]): Promise<CliResult> => runCli(args, { env: env(), cwd: join(folder, 'project') });
  const json = async <T = Record<string, unknown>>(...args: string[]): Promise<T> => {
    const result = await run(...args, '--json');
    expect(result).toMatchObject({ code: 0 });
    return JSON.parse(result.out) as T;
  };
  const stop = async (child: ChildProcess) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nightshift-cli-'));
    mkdirSync(join(folder, 'project'));
    writeFileSync(join(folder, 'project/train.cjs'), TRAIN);
    writeFileSync(join(folder, 'project/nightshift.yaml'), SPEC);
    database = await createEmptyDatabase();
    const serve = startCli(['serve', '--port', '0', '--json'], {
      env: { NIGHTSHIFT_HOME: join(folder, 'home'), DATABASE_URL: database.url },
    });
    children.push(serve);
    ({ url } = JSON.parse(await firstLine(serve)) as { url: string });
  });
  afterAll(async () => {
    for (const child of children.reverse()) await stop(child);
    await database.drop();
    // A runner that outlives its agent ends its job first, and writes here until then.
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  });

  it('keeps the first token where only its owner reads it, and uses it', async () => {
    expect(statSync(join(folder, 'home/token')).mode & 0o777).toBe(0o600);
    expect(await json('runs')).toEqual({ items: [], nextCursor: null });
    // No variable says where it listens: its home folder does.
    expect((await runCli(['runs', '--json'], { env: { NIGHTSHIFT_HOME: join(folder, 'home') } })).code).toBe(0);
  });

  it('says the next command as another terminal needs it', async () => {
    const told = async (env: Record<string, string>) => {
      const serve = startCli(['serve', '--port', '0'], { env: { DATABASE_URL: database.url, ...env } });
      children.push(serve);
      let text = '';
      for await (const part of serve.stdout as AsyncIterable<Buffer | string>)
        if ((text += String(part)).includes('Ctrl-C')) break;
      await stop(serve);
      return text;
    };
    const third = join(folder, 'third');
    expect(await told({ NIGHTSHIFT_HOME: third })).toContain(
      `Next: NIGHTSHIFT_HOME=${third} nightshift boxes enrol, then`,
    );
    expect(await told({ NIGHTSHIFT_HOME: third, NIGHTSHIFT_SERVER: 'http://127.0.0.1:1' })).toMatch(
      /nightshift boxes enrol --server http:\/\/127\.0\.0\.1:\d+, then/,
    );
  });

  it('refuses a wrong token with 77 and says where one comes from', async () => {
    const { code, err } = await run('runs', '--token', 'nst_wrong');
    expect(code).toBe(77);
    expect(err).toContain('nightshift token create');
  });

  it('lets a token read and no more, and revokes it', async () => {
    const { id, secret } = await json<{ id: string; secret: string }>(
      'token',
      'create',
      '--name',
      'reader',
      '--scopes',
      'read',
    );
    expect((await run('runs', '--token', secret)).code).toBe(0);
    expect((await run('token', 'list', '--token', secret)).code).toBe(77);
    expect((await run('token', 'revoke', id)).code).toBe(0);
    expect((await run('runs', '--token', secret)).code).toBe(77);
  });

  it('says that a run has no box, then takes it through to its end', async () => {
    // The scope run is enough for all that run --wait asks.
    const { secret } = await json<{ secret: string }>('token', 'create', '--name', 'starter', '--scopes', 'run');
    const started = await run('run', '--json', '--notes', 'nightshift.yaml', '--token', secret);
    expect((await run('token', 'list', '--token', secret)).code).toBe(77);
    expect(started.err).toContain('there is no box');
    const { id } = JSON.parse(started.out) as { id: string };
    const enrolment = await json<{ secret: string }>('boxes', 'enrol');
    const enrolled = await run(
      'agent',
      'enrol',
      '--server',
      url,
      '--token',
      enrolment.secret,
      '--name',
      'here',
      '--labels',
      'small,test',
    );
    expect(enrolled).toMatchObject({ code: 0 });
    children.push(startCli(['agent', 'run', '--json'], { env: env() }));

    const watching = resultOf(startCli(['watch', id], { env: env() }));
    const blocked = await run('propose', id, '--knob', 'x', '--value', '7', '--reason', 'too far');
    expect(blocked).toMatchObject({ code: 20, out: expect.stringContaining('rail range') });
    expect((await run('propose', id, '--knob', 'x', '--value', '3', '--reason', 'the lowest point')).code).toBe(0);
    const raw = join(folder, 'answer.json');
    writeFileSync(raw, '{"knob": "x", "new_value": 6, "reason": "the other end"}\n');
    expect((await run('propose', 'latest', '--raw', raw)).code).toBe(0);

    const watched = await watching;
    expect(watched.code).toBe(0);
    expect(watched.out).toMatch(/baseline loss 10, n 2/);
    expect(watched.out).toMatch(/1 +external +x 0→3 +1\.00000 +\+90\.00% ±0\.00 +1 +kept\n/);
    expect(watched.out).toMatch(/2 +external +x 3→6 .* reverted\n/);
    expect(watched.out).toContain('the run is completed: 2 of 2 iterations are done');

    const boxes = await json<{ items: { name: string; labels: string[] }[] }>('boxes');
    expect(boxes.items[0]).toMatchObject({ name: 'here', labels: expect.arrayContaining(['small', 'test']) });
    expect((await json('agent', 'status')).pid).toBeTypeOf('number');
  });

  it('shows what a run printed, figured and kept', async () => {
    const { items } = await json<{ items: { id: string; state: string }[] }>('runs');
    expect(items).toMatchObject([{ state: 'completed' }]);
    const prefix = items[0]!.id.slice(0, 20);
    expect((await run('logs', prefix)).out.trim()).toBe('loss: 10');
    expect((await run('logs', '-f', prefix)).out.trim()).toBe('loss: 10');
    expect((await run('logs', prefix, '0')).out.trim()).toBe('loss: 10');
    expect((await run('logs', prefix, '1')).out.trim()).toBe('loss: 1');
    expect(await run('logs', prefix, '3')).toMatchObject({ code: 64, err: expect.stringContaining('iteration 3') });
    expect(await run('logs', 'job_1', '1')).toMatchObject({ code: 64, err: expect.stringContaining('leave one of') });
    expect((await run('report', prefix)).out).toContain('x=3');
    expect((await run('report', prefix, '--format', 'markdown')).out).toMatch(/^# /);
    expect((await run('runs')).out).toMatch(/parabola +completed +2 +1 +1 +\+90\.00%/);
    const path = join(folder, 'export.jsonl');
    expect((await run('export', prefix, '-o', path)).code).toBe(0);
    expect(JSON.parse((await run('analyze', path, '--json')).out)).toMatchObject({
      iterations: 2,
      kept: 1,
      knobs: { coverage: 1 },
    });
    expect(readFileSync(path, 'utf8').split('\n')[0]).toContain('"type":"run"');
    expect((await run('export', prefix, '--format', 'tsv')).out).toMatch(
      /^commit\tloss\tmemory_gb\tstatus\tdescription\n/,
    );
    expect((await run('export', prefix, '--format', 'chat')).err).toContain('warning: ');
  });

  it('refuses to steer what has ended, and runs that are not there', async () => {
    expect(await run('pause', 'latest')).toMatchObject({
      code: 64,
      err: expect.stringContaining('the run is completed'),
    });
    expect(await run('watch', 'run_zz')).toMatchObject({ code: 64, err: expect.stringContaining('nightshift runs') });
  });

  it('waits for a run and ends with what it came to', async () => {
    const sampled = SPEC.replace('external', 'sampler').replace('default: 0', 'default: 3');
    writeFileSync(join(folder, 'project/best.yaml'), sampled);
    const waited = await run('run', 'best.yaml', '--wait', '--json', '--iterations', '1');
    expect(waited.code).toBe(10);
    expect(JSON.parse(waited.out)).toMatchObject({
      outcome: 'no_improvement',
      exitCode: 10,
      run: { state: 'completed' },
    });
    const worse = await run('run', 'best.yaml', '--wait', '--max-regression', '0.2', '--iterations', '1');
    expect(worse.code).toBe(12);
  });

  it('detaches on Ctrl-C and leaves the run going, then stops it', async () => {
    const child = startCli(['run', '--wait'], { env: env(), cwd: join(folder, 'project') });
    const ended = resultOf(child);
    // A run that is slow to begin says first what it waits for.
    await printed(child, 'baseline loss 10');
    child.kill('SIGINT');
    const { code, err } = await ended;
    expect(code).toBe(130);
    expect(err).toContain('Detached; the run goes on.');
    expect(await json('pause', 'latest')).toMatchObject({ state: 'paused' });
    expect(await json('resume', 'latest')).toMatchObject({ state: 'running' });
    const watching = resultOf(startCli(['watch', '--json'], { env: env() }));
    expect((await run('stop', 'latest')).code).toBe(0);
    expect((await watching).out).toContain('"state":"stopped"');
  });

  it('warns of a hybrid that has no model', async () => {
    // Trains for longer than a command takes to start, so that there is something to stop.
    const slow = SPEC.replace('kind: external', 'kind: hybrid').replace('node train.cjs', 'sleep 25');
    writeFileSync(join(folder, 'project/alone.yaml'), slow);
    const alone = await run('run', 'alone.yaml', '--json');
    expect(alone.err).toContain('warning: proposer.kind: hybrid, and no proposer.model: the sampler proposes alone');
    const { id } = JSON.parse(alone.out) as { id: string };
    expect((await run('stop', id)).code).toBe(0);
    expect(await run('logs', id, '1')).toMatchObject({ code: 64, err: expect.stringContaining('iteration') });
  });

  it('cordons and removes a box', async () => {
    expect((await run('boxes', 'cordon', 'here')).out).toContain('here: online, cordoned');
    expect((await run('boxes')).out).toContain('here: cordoned: by ');
    expect((await run('boxes', 'uncordon', 'here')).out).toBe('here: online\n');
    expect((await run('boxes')).out).not.toContain('cordoned');
    expect((await run('boxes', 'remove', 'here')).code).toBe(0);
    expect((await run('boxes')).err).toContain('No boxes yet');
    expect(await run('boxes', 'cordon', 'here')).toMatchObject({
      code: 64,
      err: expect.stringContaining('there is no box here'),
    });
  });

  it('logs in, and is asked for no token then', async () => {
    const token = readFileSync(join(folder, 'home/token'), 'utf8');
    const other = { NIGHTSHIFT_HOME: join(folder, 'other') };
    const wrong = await runCli(['login', '--server', url], { env: other, stdin: 'nst_wrong\n' });
    expect(wrong.code).toBe(77);
    expect((await runCli(['login', '--server', url], { env: other, stdin: token })).code).toBe(0);
    expect((await runCli(['runs', '--json'], { env: other })).code).toBe(0);
    expect(statSync(join(folder, 'other/config.json')).mode & 0o777).toBe(0o600);
  });

  it('does not start twice on one port', async () => {
    const { code, err } = await runCli(['serve', '--port', new URL(url).port], {
      env: { NIGHTSHIFT_HOME: join(folder, 'second'), DATABASE_URL: database.url },
    });
    expect(code).toBe(64);
    expect(err).toContain('is taken');
  });
});
