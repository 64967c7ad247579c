import { setTimeout as delay } from 'node:timers/promises';
import { findJobProcesses, type JobTraces } from './job-processes.js';
import type { ProcessRow } from './table.js';

export interface SweepResult {
  /** Processes that were alive when the sweep began (or were born during it) and are gone now. */
  killed: number;
  /** Processes that SIGKILL did not end: in an uninterruptible call, or another user's. */
  left: ProcessRow[];
}

/**
 * Ends every process of a job with SIGKILL and looks again until a whole scan finds none: that scan is the proof.
 * `timeoutMs` bounds it: shorter calls a box dirty whose driver is only slow to let go, longer delays the job's end.
 */
export async function sweep(traces: JobTraces, timeoutMs = 5000): Promise<SweepResult> {
  const deadline = Date.now() + timeoutMs;
  const seen = new Set<string>();
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    const found = findJobProcesses(traces);
    for (const row of found) seen.add(`${row.pid} ${row.startTime}`);
    if (found.length === 0 || Date.now() > deadline) return { killed: seen.size - found.length, left: found };
    for (const row of found) signalProcess(row.pid, 'SIGKILL');
    await delay(pauseMs);
  }
}

/** Sends a signal; false when the process is gone or not ours. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
