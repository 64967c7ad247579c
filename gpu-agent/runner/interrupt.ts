import { findJobProcesses, type JobTraces } from '../process/job-processes.js';
import { signalProcess } from '../process/sweep.js';
import type { ProcessRow } from '../process/table.js';

/** Programs that only wait for another one: shells, and the two processes of a sandbox, which would take it down with them. */
const WAITING = new Set(['sh', 'dash', 'bash', 'ash', 'zsh', 'ksh', 'busybox', 'bwrap']);

/** INT as a terminal gives it: to the command's process group. */
export function interrupt(leader: number, traces: JobTraces): void {
  const group = findJobProcesses(traces).filter((row) => row.pgid === leader);
  for (const row of withoutWaitingShells(group)) signalProcess(row.pid, 'SIGINT');
}

/** TERM or KILL to every process of the job, escapees included. */
export function signalAll(signal: 'SIGTERM' | 'SIGKILL', traces: JobTraces): void {
  const rows = findJobProcesses(traces);
  for (const row of signal === 'SIGTERM' ? withoutWaitingShells(rows) : rows) signalProcess(row.pid, signal);
}

// A shell that waits for a program would die of the signal first, and with it the exit code of a program that saves its
// work and ends well: the program alone is asked, and the shell goes on with what it says.
function withoutWaitingShells(rows: ProcessRow[]): ProcessRow[] {
  const parents = new Set(rows.map((row) => row.ppid));
  return rows.filter((row) => !(WAITING.has(row.command) && parents.has(row.pid)));
}
