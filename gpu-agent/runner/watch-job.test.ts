import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { classifyPhase } from './classify.js';
import { runPhase } from './phase.js';
import { StopSignal } from './stop-signal.js';
import { watchJob } from './watch-job.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

test('memory below the floor ends a job at once, by KILL, with its own reason', async () => {
  const home = temporaryFolder('watch');
  const stop = new StopSignal();
  const traces = {
    attemptId: `guard-${process.pid}`,
    sessions: new Set<number>(),
    known: new Map<number, string>(),
    sinceTicks: 0,
  };
  let available = 10_000_000_000;
  const watched = watchJob({
    home,
    attemptId: traces.attemptId,
    telemetryPath: join(home, 'telemetry.jsonl'),
    telemetryMs: 60_000,
    memoryFloorBytes: 4_000_000_000,
    known: traces.known,
    sessions: traces.sessions,
    stop,
    maxProcesses: null,
    hasGpu: false,
    lookAtDisk: () => null,
    readAvailable: () => available,
  });
  const ended = await runPhase({
    phase: 'train',
    command: 'trap "" INT TERM; echo started; sleep 60 & wait',
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '', NIGHTSHIFT_JOB: traces.attemptId },
    budgetMs: 50_000,
    graceMs: 20_000,
    stop,
    traces,
    onData: (bytes) => {
      if (bytes.includes('started')) available = 3_000_000_000;
    },
    onTerminal: () => {},
  });
  watched.stop();
  expect(ended.result).toMatchObject({ stoppedBy: ['KILL'], signal: 'SIGKILL', exitCode: null, clock: null });
  expect(ended.swept.left).toEqual([]);
  const ending = classifyPhase({
    ...ended,
    metric: undefined,
    tail: '',
    isDiskShort: false,
    isKernelOom: false,
    metricName: 'x',
    budgetMs: 1,
    limitMs: 1,
  });
  expect(ending).toMatchObject({ reason: 'oom_guard', detail: expect.stringContaining('2861 MiB') as string });
  expect(JSON.parse(readFileSync(join(home, 'telemetry.jsonl'), 'utf8'))).toMatchObject({
    attemptId: traces.attemptId,
    gpus: [],
  });
  expect(watched.energyWh()).toBeNull();
  if (process.platform === 'linux') expect(watched.peakMemoryBytes()).toBeGreaterThan(100_000);
});
