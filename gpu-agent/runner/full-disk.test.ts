import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Custody } from '../custody.js';
import { findBwrap } from '../sandbox/find-bwrap.js';
import { diskFreeBytes } from '../telemetry/host.js';
import { jobSpec } from '../testing/job-spec.js';
import { runOne, testOptions } from '../testing/run-one.js';
import { canMount, smallDisk } from '../testing/small-disk.js';

const tool = findBwrap(process.env);
const bwrap = 'bwrap' in tool ? tool.bwrap : null;
const MIB = 1_048_576;
const FILL = 'head -c 100000000 /dev/zero > big';
/** Slow enough for a guard that looks once a second. */
const FILL_SLOWLY = 'while true; do head -c 500000 /dev/zero >> big; sleep 0.1; done';

// Only root may mount one; without it the figures of disk-use.test.ts remain.
describe.runIf(canMount)('on a small disk', () => {
  const home = canMount ? smallDisk(20 * MIB) : '';
  const options = { diskFloorBytes: 8 * MIB };
  const free = () => diskFreeBytes(home) ?? 0;
  const open: Custody[] = [];
  afterEach(() => {
    for (const custody of open.splice(0)) custody.stop();
    for (const name of ['jobs', 'others', 'trash']) rmSync(join(home, name), { recursive: true, force: true });
  });

  test('a job that fills it has failed itself, is told how much it wrote, and leaves the space', async () => {
    const { exit, dir } = await runOne(jobSpec({ train: FILL }), { home, options });
    expect(exit).toMatchObject({ reason: 'disk_filled', metric: null, leftPids: [] });
    expect(exit.detail).toMatch(/^the job wrote [\d.]+ MiB of the [\d.]+ MiB that were free when training began; /);
    expect(existsSync(dir.work)).toBe(false);
    expect(free()).toBeGreaterThan(17 * MIB);
  });

  test('a job that goes on filling it is ended before it is full', async () => {
    const { exit } = await runOne(jobSpec({ train: FILL_SLOWLY }), { home, options });
    expect(exit).toMatchObject({ reason: 'disk_filled', phases: [{ stoppedBy: ['KILL'], signal: 'SIGKILL' }] });
    expect(exit.detail).toMatch(/of the [\d.]+ MiB that were free .* the job was ended before the disk was full$/);
    expect(free()).toBeGreaterThan(17 * MIB);
  });

  test('a job that deletes what it wrote, or wrote to no name, took the space all the same', async () => {
    const nameless = `python3 -c "
import os, time
f = open('big', 'wb'); os.unlink('big')
while True:
    f.write(bytes(500000)); f.flush(); time.sleep(0.1)
"`;
    const { exit } = await runOne(jobSpec({ train: nameless }), { home, options });
    expect(exit.reason).toBe('disk_filled');
  });

  test.runIf(bwrap !== null).each(['big', '/tmp/big'])(
    'a patch that fills it from inside the sandbox by %s is to blame',
    async (file) => {
      const content = `import { execSync } from 'node:child_process';\nexecSync('head -c 100000000 /dev/zero > ${file}');\n`;
      const spec = jobSpec({
        train: 'node metric.mjs',
        evaluate: 'node knobs.mjs',
        edit: { files: ['metric.mjs'], sealed: ['knobs.mjs'], artifacts: null },
        overlay: [{ path: 'metric.mjs', content }],
      });
      const { exit } = await runOne(spec, {
        home,
        options: { ...options, sandbox: { ...testOptions('').sandbox, bwrap } },
      });
      expect(exit).toMatchObject({ reason: 'disk_filled', fingerprint: { sandbox: 'bwrap' } });
      expect(free()).toBeGreaterThan(17 * MIB);
    },
  );

  test('two jobs at a time: the one that fills it is to blame, and not the one beside it', async () => {
    const beside = { ...options, slots: 2 };
    const gate = join(home, 'others');
    const [filling, other] = await Promise.all([
      runOne(jobSpec({ train: `until [ -e ${gate} ]; do sleep 0.05; done; ${FILL_SLOWLY}` }), {
        home,
        options: beside,
      }),
      runOne(
        jobSpec({
          train: `touch ${gate}; head -c 1000000 /dev/zero > mine; until ls ${home}/jobs/*/exit.json; do sleep 0.1; done; echo val_loss: 1`,
        }),
        {
          home,
          options: beside,
        },
      ),
    ]);
    expect(filling.exit.reason).toBe('disk_filled');
    // Its own guard may have seen the full disk, too, or not any more.
    expect(['disk_full', 'completed']).toContain(other.exit.reason);
  });

  test('what others write is no fault of the job', async () => {
    const { exit } = await runOne(jobSpec({ train: 'head -c 1000000 /dev/zero > mine; sleep 30' }), {
      home,
      options,
      onStarted: (dir) => {
        const timer = setInterval(() => {
          if (!existsSync(join(dir.work, 'mine'))) return;
          clearInterval(timer);
          writeFileSync(join(home, 'others'), Buffer.alloc(14 * MIB, 1));
        }, 20);
      },
    });
    expect(exit.reason).toBe('disk_full');
    expect(exit.detail).toMatch(/^only [\d.]+ MiB were left .*; the job wrote 1 MiB of the [\d.]+ MiB that were free/);
  });

  test('a setup that fills it has failed, and is no fault of the candidate or the box', async () => {
    const { exit } = await runOne(jobSpec({ setup: FILL }), { home, options });
    expect(exit).toMatchObject({ reason: 'setup_failed' });
    expect(exit.detail).toMatch(/^the job wrote [\d.]+ MiB of the [\d.]+ MiB that were free when it began; /);
    expect(free()).toBeGreaterThan(17 * MIB);
  });

  test('the box takes the next job, before anybody has fetched the account of the one that filled it', async () => {
    const quiet = () => {};
    const custody = new Custody({
      home,
      slots: 1,
      log: { info: quiet, warn: quiet, error: quiet },
      env: process.env,
      runner: { ...testOptions(home), ...options },
      hasSandbox: true,
      minDiskFreeBytes: 2 * options.diskFloorBytes,
      onChange: () => {},
    });
    open.push(custody);
    const run = async (train: string) => {
      const spec = jobSpec({ train });
      expect(custody.assign(spec)).toBeNull();
      const attempt = custody.attempts.get(spec.attemptId);
      await expect.poll(() => attempt?.exit, { timeout: 20_000 }).toBeTruthy();
      return attempt?.exit;
    };
    expect(await run(FILL)).toMatchObject({ reason: 'disk_filled' });
    expect(await run('node metric.mjs 0.5')).toMatchObject({ reason: 'completed', metric: 0.5 });
  });
});
