import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Custody } from './custody.js';
import { Attempt } from './spool/attempt.js';
import { jobSpec } from './testing/job-spec.js';
import { testOptions } from './testing/run-one.js';
import { temporaryFolder } from './testing/temporary-folder.js';

const open: Custody[] = [];
afterEach(() => {
  for (const custody of open.splice(0)) custody.stop();
});

function custodyOf(home: string, over: Partial<ConstructorParameters<typeof Custody>[0]> = {}): Custody {
  const quiet = () => {};
  const custody = new Custody({
    home,
    slots: 1,
    log: { info: quiet, warn: quiet, error: quiet },
    env: process.env,
    runner: testOptions(home),
    hasSandbox: true,
    minDiskFreeBytes: 0,
    onChange: () => {},
    ...over,
  });
  open.push(custody);
  return custody;
}
const newHome = () => temporaryFolder('custody');

test('runners that cannot start end a job as lost, and not the agent', async () => {
  const home = newHome();
  const custody = custodyOf(home, { env: { ...process.env, NODE_OPTIONS: '--there-is-no-such-option' } });
  expect(custody.assign(jobSpec())).toBeNull();
  const [attempt] = custody.attempts.values();
  await expect.poll(() => attempt?.exit, { timeout: 20_000 }).toMatchObject({ reason: 'box_lost' });
  expect(attempt?.exit?.detail).toContain('4 runners ended before they could claim the job');
});

test('a job that was accepted and never started is started by the next agent', async () => {
  const home = newHome();
  Attempt.create(home, jobSpec());
  const custody = custodyOf(home);
  const [attempt] = custody.attempts.values();
  await expect.poll(() => attempt?.exit, { timeout: 10_000 }).toMatchObject({ reason: 'completed' });
});

test('a directory without a whole spec was told to nobody and goes', () => {
  const home = newHome();
  const torn = join(home, 'jobs', 'att-torn');
  mkdirSync(torn, { recursive: true });
  writeFileSync(join(torn, 'spec.json'), '{"attemptId":');
  expect(custodyOf(home).attempts.size).toBe(0);
  expect(existsSync(torn)).toBe(false);
});

test('no room on the disk, or another token for a known attempt, is refused', () => {
  const home = newHome();
  const full = custodyOf(home, { minDiskFreeBytes: Number.MAX_SAFE_INTEGER });
  expect(full.assign(jobSpec())).toMatchObject({ reason: 'disk_full' });
  const custody = custodyOf(newHome());
  const spec = jobSpec({ train: 'sleep 30', graceMs: 50 });
  expect(custody.assign(spec)).toBeNull();
  expect(custody.assign(spec)).toBeNull();
  expect(custody.assign({ ...spec, token: 'another' })).toMatchObject({ reason: 'internal_error' });
  for (const attempt of custody.attempts.values()) custody.cancel(attempt, 'the test is over');
});

test('released while it runs, a job is stopped and its directory goes', async () => {
  const custody = custodyOf(newHome());
  custody.assign(jobSpec({ train: 'sleep 30', graceMs: 50 }));
  const [attempt] = custody.attempts.values();
  await expect.poll(() => attempt?.state, { timeout: 10_000 }).toBe('running');
  if (attempt) custody.release(attempt);
  await expect.poll(() => custody.attempts.size, { timeout: 10_000 }).toBe(0);
  expect(existsSync(attempt?.dir.path ?? '')).toBe(false);
});
