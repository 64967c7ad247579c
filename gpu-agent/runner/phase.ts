import { constants } from 'node:os';
import type { JobPhase, PhaseResult } from '@nightshift/protocol';
import { identityOf } from '../process/identity.js';
import type { JobTraces } from '../process/job-processes.js';
import { sweep, type SweepResult } from '../process/sweep.js';
import { interrupt, signalAll } from './interrupt.js';
import type { StopCause, StopSignal } from './stop-signal.js';
import { openTerminal, type Terminal } from './terminal.js';

export interface PhaseInput {
  phase: JobPhase;
  command: string;
  cwd: string;
  env: Record<string, string>;
  /** Training time; null for a phase that only the limit of the whole job bounds. */
  budgetMs: number | null;
  graceMs: number;
  stop: StopSignal;
  traces: JobTraces & { sessions: Set<number> };
  onData: (bytes: Buffer) => void;
  onTerminal: (terminal: Terminal | null) => void;
}
export interface PhaseOutcome {
  result: PhaseResult;
  /** The cause that ended it, when it was the runner; null also when the budget did. */
  stoppedFor: StopCause | null;
  swept: SweepResult;
}

/**
 * Runs one phase in a terminal and returns when nothing of it runs any more and every byte has been delivered.
 * The budget and a stop ask with INT; after each grace TERM and KILL follow. A full disk or memory waits for no grace.
 */
export async function runPhase(input: PhaseInput): Promise<PhaseOutcome> {
  const startedAt = new Date();
  const begun = performance.now();
  const terminal = openTerminal(input);
  input.traces.sessions.add(terminal.pid);
  input.onTerminal(terminal);
  const stoppedBy: PhaseResult['stoppedBy'] = [];
  let clock: PhaseResult['clock'] = null;
  let stoppedFor: StopCause | null = null;
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number, act: () => void) => timers.add(setTimeout(act, Math.min(ms, 2 ** 31 - 1)));

  // The clocks of a process that was held up ring before it hears what happened meanwhile: a command that ended in time is not told more.
  const hasEnded = () => identityOf(terminal.pid) === null;
  const send = (signal: 'INT' | 'TERM' | 'KILL') => {
    if (stoppedBy.at(-1) === 'KILL' || hasEnded()) return;
    stoppedBy.push(signal);
    if (signal === 'INT') interrupt(terminal.pid, input.traces);
    else signalAll(`SIG${signal}`, input.traces);
  };
  const escalate = () => {
    send('INT');
    later(input.graceMs, () => {
      send('TERM');
      later(input.graceMs, () => {
        send('KILL');
      });
    });
  };
  if (input.budgetMs !== null)
    later(input.budgetMs, () => {
      if (clock || stoppedFor || hasEnded()) return;
      clock = 'budget';
      escalate();
    });
  const unsubscribe = input.stop.onRequest((cause) => {
    stoppedFor = cause;
    if (cause.kind === 'limit') clock ??= 'limit';
    if (cause.kind === 'oom_guard' || cause.kind === 'disk_full') send('KILL');
    else if (stoppedBy.length === 0) escalate();
  });

  const end = await terminal.ended;
  unsubscribe();
  for (const timer of timers) clearTimeout(timer);
  const durationMs = performance.now() - begun;
  const swept = await sweep(input.traces);
  await terminal.drain();
  // With the session empty its number may be given to a stranger: it identifies this job no longer.
  if (swept.left.length === 0) input.traces.sessions.delete(terminal.pid);
  input.onTerminal(null);
  return {
    result: {
      phase: input.phase,
      exitCode: end.exitCode,
      signal: end.signal === null ? null : signalName(end.signal),
      startedAt: startedAt.toISOString(),
      endedAt: new Date(startedAt.getTime() + durationMs).toISOString(),
      durationMs,
      stoppedBy,
      clock,
    },
    stoppedFor,
    swept,
  };
}

function signalName(signal: number): string {
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `SIG${signal}`;
}
