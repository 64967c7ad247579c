import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { exitRecordSchema } from '@nightshift/protocol';
import { describe, expect, test } from 'vitest';
import { identityOf } from '../process/identity.js';
import { writeAtomic } from '../spool/atomic.js';
import { jobSpec } from '../testing/job-spec.js';
import { runOne } from '../testing/run-one.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

const isLinux = process.platform === 'linux';

describe('a job that ends by itself', () => {
  test('is completed by exit code 0 and its metric', async () => {
    const { exit, log, metrics } = await runOne(jobSpec({ train: 'node metric.mjs 0.75' }));
    expect(exitRecordSchema.parse(exit)).toMatchObject({
      reason: 'completed',
      exitCode: 0,
      signal: null,
      metric: 0.75,
      leftPids: [],
      logBytesDropped: 0,
    });
    expect(log.toString()).toBe('val_loss: 0.75\n');
    expect(exit.logBytes).toBe(log.length);
    expect(metrics).toMatchObject([{ name: 'val_loss', value: 0.75 }]);
    expect(exit.metricCount).toBe(1);
    expect(exit.fingerprint['source']).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is told its knobs in three ways, and nothing of the agent', async () => {
    const { log } = await runOne(
      jobSpec({
        train: 'node knobs.mjs --lr {{lr}} {{ name }} {{unknown}}',
        config: { lr: 0.001, name: "it's; echo no" },
        env: { TEST_SECRET: 'of the spec' },
      }),
      { env: { NIGHTSHIFT_TEST_SECRET: 'no', NIGHTSHIFT_CREDENTIAL: 'nsb_secret' } },
    );
    const said = JSON.parse(log.toString().split('\n')[0] ?? '') as Record<string, unknown>;
    expect(said).toMatchObject({
      argv: ['--lr', '0.001', "it's; echo no", '{{unknown}}'],
      config: { lr: 0.001, name: "it's; echo no" },
      lr: '0.001',
      secret: 'of the spec',
    });
    expect(said['names']).toEqual(
      ['BUDGET_SECONDS', 'CONFIG', 'JOB', 'KNOB_LR', 'KNOB_NAME', 'METRICS', 'SEED', 'SOURCE'].map(
        (n) => `NIGHTSHIFT_${n}`,
      ),
    );
  });

  const ends: [string, string, Record<string, unknown>][] = [
    ['exit 1', 'crash', { exitCode: 1, signal: null, metric: null }],
    ['there-is-no-such-program', 'command_not_found', { exitCode: 127 }],
    ['exec sh kills-itself.sh', 'killed', { exitCode: null, signal: 'SIGKILL' }],
    ['sh kills-itself.sh; exit $?', 'killed', { exitCode: 137, signal: null }],
    ['true', 'no_metric', { exitCode: 0, metric: null }],
    ['echo val_loss: nan', 'diverged', { exitCode: 0, metric: 'NaN' }],
    ['echo val_loss: inf; exit 1', 'diverged', { exitCode: 1, metric: 'Infinity' }],
    ['echo val_loss: 9', 'metric_out_of_bounds', { metric: 9 }],
    ['echo "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"; exit 1', 'oom', {}],
    // Words alone, on a disk with room: a job that could blame the box with them could have it cordoned.
    ['echo "OSError: [Errno 28] No space left on device"; exit 1', 'crash', {}],
  ];
  test.each(ends)('%s → %s', async (train, reason, fields) => {
    const { exit } = await runOne(jobSpec({ train, metric: { name: 'val_loss', goal: 'minimize', bounds: [0, 8] } }));
    expect(exit).toMatchObject({ reason, ...fields });
    expect(exit.detail.length).toBeGreaterThan(5);
  });

  test('a crash quotes the last of what was printed, and not more', async () => {
    const { exit } = await runOne(
      jobSpec({ train: `echo first; printf '\\033[31mValueError: bad\\033[0m shape\\n'; exit 1` }),
    );
    expect(exit.detail).toBe('training exited with code 1; it last printed: first | ValueError: bad shape');
  });

  test('metrics come from the terminal and from the file, and the last value wins', async () => {
    const { exit, metrics } = await runOne(jobSpec({ train: 'echo val_loss: 7; python3 reports.py 0.125' }));
    expect(exit).toMatchObject({ reason: 'completed', metric: 0.125, metricCount: 7 });
    expect(metrics.map((point) => point.value)).toEqual([7, 1, 0.5, 1 / 3, 0.25, 0.2, 0.125]);
    expect(metrics[2]?.step).toBe(1);
  });
});

describe('with an evaluate command', () => {
  test('its number is the metric, and what training prints is not', async () => {
    const { exit } = await runOne(jobSpec({ train: 'echo val_loss: 0.001', evaluate: 'node metric.mjs 3' }));
    expect(exit).toMatchObject({ reason: 'completed', metric: 3 });
    expect(exit.phases.map((phase) => phase.phase)).toEqual(['train', 'evaluate']);
    expect(exit.fingerprint['evaluator']).toMatch(/^[0-9a-f]{64}$/);
  });
  test('training cannot write the evaluator a number in advance', async () => {
    const forge = `printf '{"name":"val_loss","value":0}\\n' > "$(dirname "$NIGHTSHIFT_METRICS")/reported-evaluate.jsonl"`;
    const { exit } = await runOne(jobSpec({ train: forge, evaluate: 'true' }));
    expect(exit).toMatchObject({ reason: 'evaluator_failed', metric: null });
  });
  test('a failure of the evaluator is no fault of the candidate; a NaN is', async () => {
    expect((await runOne(jobSpec({ evaluate: 'exit 2' }))).exit).toMatchObject({
      reason: 'evaluator_failed',
      exitCode: 2,
    });
    expect((await runOne(jobSpec({ evaluate: 'echo val_loss: nan' }))).exit.reason).toBe('diverged');
  });
});

describe('the clocks', () => {
  // Time for Node to start and to take its signals on a machine whose cores others hold: clocks have no event to wait for.
  const START_MS = 1500;
  test('at the budget training is asked by INT, and ends well if it does', async () => {
    const { exit } = await runOne(jobSpec({ train: 'node handles-int.mjs && echo done', budgetMs: START_MS }));
    expect(exit).toMatchObject({ reason: 'completed', metric: 0.125 });
    expect(exit.phases[0]).toMatchObject({ clock: 'budget', stoppedBy: ['INT'], exitCode: 0 });
  });
  test('a job that ignores INT and TERM is killed, and the record says what it ignored', async () => {
    const { exit } = await runOne(jobSpec({ train: 'node ignores-term.mjs', budgetMs: START_MS, graceMs: 150 }));
    expect(exit).toMatchObject({ reason: 'timeout', leftPids: [] });
    expect(exit.detail).toContain('ignored INT and TERM');
    expect(exit.phases[0]).toMatchObject({ clock: 'budget', stoppedBy: ['INT', 'TERM', 'KILL'] });
  });
  test('the limit holds for the whole job, evaluation included', async () => {
    const { exit } = await runOne(jobSpec({ evaluate: 'sleep 60', limitMs: START_MS }));
    expect(exit.reason).toBe('timeout');
    expect(exit.detail).toContain('limit of 1.5 s');
    expect(exit.phases[1]).toMatchObject({ phase: 'evaluate', clock: 'limit', stoppedBy: ['INT'] });
  });
  test('a cancel is a file, with INT first and its own reason', async () => {
    const { exit } = await runOne(jobSpec({ train: 'node handles-int.mjs' }), {
      onStarted: (dir) => {
        const timer = setInterval(() => {
          if (!existsSync(dir.log) || !readFileSync(dir.log, 'utf8').includes('ready')) return;
          clearInterval(timer);
          writeAtomic(dir.cancel, JSON.stringify({ detail: 'no longer wanted' }));
        }, 20);
      },
    });
    expect(exit).toMatchObject({ reason: 'cancelled', detail: 'no longer wanted', exitCode: 0 });
    expect(exit.phases[0]?.stoppedBy).toEqual(['INT']);
  });
});

describe('nothing is left running', () => {
  test('a background child that holds the terminal neither delays the end nor survives it', async () => {
    const { exit, log } = await runOne(jobSpec({ train: 'sh leaks-grandchild.sh' }));
    expect(exit).toMatchObject({ reason: 'completed', leftPids: [] });
    expect(log.toString()).toContain('val_loss: 0.5');
    // It would print for ever: had the end waited for it, a clock would have run out and stopped the phase.
    expect(exit.phases).toMatchObject([{ phase: 'train', exitCode: 0, clock: null, stoppedBy: [] }]);
  });
  test.runIf(isLinux)('a daemon that left the session by a double fork is found by its marker', async () => {
    const file = join(temporaryFolder('daemon'), 'pid');
    const { exit } = await runOne(jobSpec({ train: `python3 daemon.py ${file}` }));
    const pid = Number(readFileSync(file, 'utf8'));
    expect(pid).toBeGreaterThan(1);
    expect(identityOf(pid)).toBeNull();
    expect(exit).toMatchObject({ reason: 'completed', killedDescendants: 1, leftPids: [] });
  });
});

describe('bytes', () => {
  test('NUL bytes, invalid UTF-8 and colours are kept as they are, and the metric among them is seen', async () => {
    const { exit, log } = await runOne(jobSpec({ train: 'python3 nul-bytes.py' }));
    expect(exit.metric).toBe(0.5);
    expect([...log]).toEqual([...Buffer.from('a\0b\xff\xfe\xed\xa0\x80\n\x1b[1;32mval_loss: 0.5\x1b[0m\n', 'latin1')]);
  });
  test('one endless carriage-return line reports as it goes, and points beyond the limit are bounded', async () => {
    const { exit, log, metrics } = await runOne(jobSpec({ train: 'python3 endless-line.py 5000' }), {
      options: { metricLimit: 1000 },
    });
    expect(exit).toMatchObject({ reason: 'completed', metric: 0.0002 });
    expect(metrics).toHaveLength(1001);
    expect(metrics.at(-1)).toMatchObject({ value: 0.0002 });
    expect(log.toString()).toContain('[nightshift] 4000 metric points beyond the limit of 1000 were not kept');
  });
  test('a line of ten megabytes is kept whole and takes no memory', async () => {
    const { exit, log, peakRss } = await runOne(jobSpec({ train: 'python3 long-line.py' }));
    expect(exit.metric).toBe(0.5);
    expect(log.length).toBe(10_000_015);
    expect(peakRss).toBeLessThan(120_000_000);
  });
  test('beyond the log limit output is dropped, counted, and said; the last page and the metric are not lost', async () => {
    const { exit, log, peakRss } = await runOne(jobSpec({ train: 'node flood.mjs 8' }), {
      options: { logLimitBytes: 1_000_000 },
    });
    expect(exit).toMatchObject({ reason: 'completed', metric: 0.5 });
    const printed = Math.ceil((8 * 1_048_576) / 48_000) * 48_000 + 'val_loss: 0.5\n'.length;
    expect(exit.logBytesDropped).toBe(printed - 1_000_000 - 65_536);
    expect(exit.logBytes).toBe(log.length);
    const text = log.toString();
    expect(text).toContain(`${exit.logBytesDropped} bytes were not kept; the last 65536 follow`);
    expect(text.endsWith('val_loss: 0.5\n')).toBe(true);
    expect(peakRss).toBeLessThan(120_000_000);
  });
  test.runIf(isLinux)('a full disk ends the job with its own reason and an account', async () => {
    const { exit } = await runOne(jobSpec({ train: 'echo something; sleep 30' }), {
      prepare: (dir) => {
        rmSync(dir.log, { force: true });
        symlinkSync('/dev/full', dir.log);
      },
    });
    expect(exit).toMatchObject({ reason: 'disk_full', logBytesDropped: 10 });
  });
});

describe('the tail', () => {
  test('200 jobs that print 64 KiB in their last millisecond, twenty at a time, lose no byte', async () => {
    const { openTerminal } = await import('./terminal.js');
    const one = async () => {
      let bytes = 0;
      const terminal = openTerminal({
        command: "head -c 65535 /dev/zero | tr '\\0' y; echo",
        cwd: '/',
        env: { PATH: process.env['PATH'] ?? '' },
        onData: (data) => (bytes += data.length),
      });
      await terminal.ended;
      await terminal.drain();
      return bytes;
    };
    const sizes = new Set<number>();
    for (let round = 0; round < 10; round++)
      for (const n of await Promise.all(Array.from({ length: 20 }, one))) sizes.add(n);
    expect([...sizes]).toEqual([65_536]);
  });
  test('a claimed directory is not run a second time', async () => {
    const spec = jobSpec({ train: 'echo val_loss: 1' });
    const first = await runOne(spec);
    const again = await runOne(spec, { home: join(first.dir.path, '..', '..') });
    expect(again.exit).toEqual(first.exit);
    expect(again.log.equals(first.log)).toBe(true);
  });
});
