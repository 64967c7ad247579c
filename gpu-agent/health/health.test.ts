import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Telemetry } from '@nightshift/protocol';
import type { Agent } from '../agent.js';
import { FakeControlPlane } from '../connection/testing/fake-control-plane.js';
import { factsOf } from '../telemetry/facts.js';
import { readGpus } from '../telemetry/nvidia-smi.js';
import { parseGpuRows } from '../telemetry/parse-nvidia-smi.js';
import { startBox } from '../testing/box.js';
import { FakeSmi, SPARK } from '../testing/fake-smi.js';
import { jobSpec } from '../testing/job-spec.js';
import { Health } from './health.js';
import { judgeReading } from './judge.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

const ok = (csv: string) => ({ status: 'ok' as const, gpus: parseGpuRows(csv) });
const { gpus } = factsOf(ok(SPARK));
const sample = (utilization: number, smClockMhz: number | null, powerWatts: number, temperatureC = 60): Telemetry => ({
  at: new Date().toISOString(),
  load1: 0,
  memoryUsedBytes: 0,
  memoryAvailableBytes: 0,
  diskFreeBytes: 0,
  gpus: [{ index: 0, utilization, memoryUsedBytes: null, powerWatts, temperatureC, smClockMhz }],
  attemptId: null,
});
const codes = (health: Health) => health.state.problems.map((problem) => problem.code);
const home = () => temporaryFolder('health');

describe('the health of a box', () => {
  test.each([
    ['hung', { status: 'hung' as const }, 'gpu_hung'],
    ['a driver that does not match', { status: 'mismatch' as const, detail: 'x' }, 'gpu_driver_mismatch'],
    ['a GPU that is lost', ok(SPARK.replace('NVIDIA GB10', '[GPU is lost]')), 'gpu_gone'],
    ['a GPU that is not listed', ok(''), 'gpu_gone'],
    ['a driver that fails', { status: 'failed' as const, detail: 'x' }, 'gpu_failed'],
    ['no nvidia-smi where there was one', { status: 'absent' as const }, 'gpu_gone'],
  ])('names %s', (_what, reading, code) => {
    expect(judgeReading(reading, gpus).map((problem) => problem.code)).toEqual([code]);
  });

  test('is no matter of a GPU that was never there', () => {
    expect(judgeReading({ status: 'absent' }, [])).toEqual([]);
    expect(judgeReading({ status: 'failed', detail: 'no driver' }, [])).toEqual([]);
    expect(judgeReading(ok(SPARK), gpus)).toEqual([]);
  });

  test('is bad after three full readings with stuck clocks, and stays so while the box is idle', () => {
    const dir = home();
    const health = new Health(dir);
    health.sampled([sample(96, 611, 25), sample(96, 2411, 54), sample(96, 611, 25), sample(95, 850, 25)], gpus);
    expect(codes(health)).toEqual([]);
    health.sampled([sample(96, 611, 25)], gpus);
    health.sampled([sample(0, 200, 11), sample(0, 200, 11)], gpus);
    expect(codes(health)).toEqual(['gpu_stuck']);
    // The agent may be started anew; the box was not.
    expect(codes(new Health(dir))).toEqual(['gpu_stuck']);
    writeFileSync(join(dir, 'health.json'), JSON.stringify({ boot: 'an earlier start', detail: 'stuck' }));
    expect(codes(new Health(dir))).toEqual([]);
    health.lookAgain();
    expect(codes(health)).toEqual([]);
    expect(codes(new Health(dir))).toEqual([]);
  });

  test('is bad at a power that no busy GB10 has, and says nothing about clocks of other makes', () => {
    const health = new Health(home());
    const low = sample(96, 2400, 15);
    health.sampled([low, low, low], gpus);
    expect(codes(health)).toEqual(['gpu_stuck']);
    const other = new Health(home());
    const slow = sample(100, 700, 60);
    other.sampled([slow, slow, slow], [{ ...gpus[0]!, name: 'Tesla K80' }]);
    expect(codes(other)).toEqual([]);
  });

  test('is bad while it is hot, and good again when it is not', () => {
    const health = new Health(home());
    const hot = sample(96, 2400, 54, 97);
    health.sampled([hot, hot, hot], gpus);
    expect(codes(health)).toEqual(['gpu_hot']);
    health.sampled([sample(10, 2400, 54, 70)], gpus);
    expect(codes(health)).toEqual([]);
  });
});

describe('an agent on a box with a GPU', () => {
  let plane: FakeControlPlane;
  let smi: FakeSmi;
  let agent: Agent & { home: string };
  beforeEach(async () => {
    plane = await FakeControlPlane.start();
    plane.heartbeatMs = 100;
    smi = new FakeSmi();
  });
  afterEach(async () => {
    await agent.stop();
    await plane.stop();
    smi.remove();
  });
  const lastFacts = () =>
    plane.frames.flatMap((frame) => ('facts' in frame && frame.facts ? [frame.facts] : [])).at(-1);
  const problem = () => lastFacts()?.health?.problems[0]?.code;
  const stranger = () => {
    const child = spawn('sleep', ['300'], { stdio: 'ignore' });
    return { pid: child.pid as number, leaves: () => child.kill('SIGKILL') };
  };

  test('tells once of what is wrong and once when it is right again', async () => {
    agent = await startBox(plane);
    await plane.online();
    expect(lastFacts()?.gpus[0]?.name).toBe('NVIDIA GB10');
    smi.says('Failed to initialize NVML: Driver/library version mismatch\n', 18);
    await plane.until(() => problem() === 'gpu_driver_mismatch', 'the mismatch');
    const told = plane.frames.filter((frame) => 'facts' in frame && frame.facts).length;
    smi.says(SPARK);
    await plane.until(() => lastFacts()?.health?.ok === true, 'a healthy box');
    expect(plane.frames.filter((frame) => 'facts' in frame && frame.facts)).toHaveLength(told + 1);
    expect(lastFacts()?.gpus).toHaveLength(1);
  });

  test('finds a driver that was upgraded without being started anew', async () => {
    agent = await startBox(plane);
    await plane.online();
    smi.says(SPARK.replace('580.95.05', '590.10'));
    await plane.until(() => lastFacts()?.gpus[0]?.driver === '590.10', 'the new driver');
  });

  test('is not held up by an nvidia-smi that hangs, which is killed', async () => {
    agent = await startBox(plane);
    await plane.online();
    smi.hangs();
    await plane.until(() => problem() === 'gpu_hung', 'the hang', 15_000);
    const beats = plane.frames.filter((frame) => frame.type === 'heartbeat').length;
    expect(beats).toBeGreaterThan(20);
    expect(await readGpus()).toEqual({ status: 'hung' });
  });

  test('gives a job back while somebody else computes, says who, and takes the next when he has gone', async () => {
    const other = stranger();
    agent = await startBox(plane);
    writeFileSync(join(agent.home, 'policy.json'), JSON.stringify({ occupancy: { waitSeconds: 0 } }));
    await plane.online();
    smi.computes(other.pid);
    const first = jobSpec();
    plane.assign(first);
    await plane.until(() => plane.frames.some((frame) => frame.type === 'refused'), 'a refusal');
    const refused = plane.frames.find((frame) => frame.type === 'refused');
    expect(refused).toMatchObject({
      attemptId: first.attemptId,
      reason: 'busy',
      detail: `the GPU is used by sleep (pid ${other.pid})`,
    });
    expect(problem()).toBe('gpu_occupied');
    other.leaves();
    await plane.until(() => lastFacts()?.health?.ok === true, 'a free GPU');
    const second = jobSpec();
    plane.assign(second);
    expect((await plane.exitOf(second.attemptId)).reason).toBe('completed');
  });

  test('waits for the GPU as long as its owner says', async () => {
    const other = stranger();
    smi.computes(other.pid);
    agent = await startBox(plane);
    await plane.online();
    const job = jobSpec();
    plane.assign(job);
    await plane.until(() => problem() === 'gpu_occupied', 'the stranger to be seen');
    other.leaves();
    expect((await plane.exitOf(job.attemptId)).reason).toBe('completed');
  });

  test('does not mind its own jobs, whom the owner allows, or pids that are nobody here', async () => {
    const other = stranger();
    agent = await startBox(plane);
    const policy = { occupancy: { waitSeconds: 0, allow: ['sleep'] } };
    writeFileSync(join(agent.home, 'policy.json'), JSON.stringify(policy));
    await plane.online();
    smi.computes(other.pid, 2 ** 22 - 1);
    const job = jobSpec();
    plane.assign(job);
    expect((await plane.exitOf(job.attemptId)).reason).toBe('completed');
    other.leaves();
    const own = spawn('sleep', ['300'], { stdio: 'ignore', env: { ...process.env, NIGHTSHIFT_JOB: 'att_x' } });
    smi.computes(own.pid as number);
    const next = jobSpec();
    plane.assign(next);
    expect((await plane.exitOf(next.attemptId)).reason).toBe('completed');
    own.kill('SIGKILL');
  });
});
