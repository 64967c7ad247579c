import { expect, test } from 'vitest';
import { identityOf } from '../process/identity.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { runPhase } from './phase.js';
import { StopSignal } from './stop-signal.js';

/** Holds this process up, as a busy machine does, until the command has ended; longer than every clock that runs. */
function holdUpUntilEnded(pid: number): void {
  const still = new Int32Array(new SharedArrayBuffer(4));
  while (identityOf(pid) !== null) Atomics.wait(still, 0, 0, 10);
  Atomics.wait(still, 0, 0, 200);
}

async function phase(command: string, budgetMs: number, onReady: (pid: number, stop: StopSignal) => void) {
  const attemptId = `phase-${process.pid}-${budgetMs}`;
  const stop = new StopSignal();
  let pid = 0;
  return runPhase({
    phase: 'train',
    command,
    cwd: temporaryFolder('phase'),
    env: { PATH: process.env['PATH'] ?? '', NIGHTSHIFT_JOB: attemptId },
    budgetMs,
    graceMs: 100,
    stop,
    traces: { attemptId, sessions: new Set(), known: new Map(), sinceTicks: 0 },
    onData: (bytes) => {
      // After what was heard so far, and so that clocks come next.
      if (bytes.includes('ready')) setImmediate(() => onReady(pid, stop));
    },
    onTerminal: (terminal) => (pid = terminal?.pid ?? pid),
  });
}

test('a command that ends in its grace is told no TERM by a runner that hears of the end late', async () => {
  const { result } = await phase('echo ready; exec sleep 60', 50_000, (pid, stop) => {
    stop.request({ kind: 'cancelled', detail: 'no longer wanted' });
    holdUpUntilEnded(pid);
  });
  expect(result).toMatchObject({ stoppedBy: ['INT'], signal: 'SIGINT' });
});

test('a command that ends in its budget was not stopped by it, however late its runner hears of the end', async () => {
  // Its budget is over when the runner goes on, and the command has ended by itself long before.
  const { result } = await phase('echo ready; read -r _ < /dev/null; exit 3', 150, (pid) => holdUpUntilEnded(pid));
  expect(result).toMatchObject({ stoppedBy: [], clock: null, exitCode: 3 });
});
