import { randomInt } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import type { ReadStream } from 'node:tty';
import { spawn, type IPty } from 'node-pty';

export interface TerminalOptions {
  command: string;
  cwd: string;
  env: Record<string, string>;
  onData: (bytes: Buffer) => void;
}
export interface TerminalEnd {
  exitCode: number | null;
  /** Number of the signal that ended the command; null when it exited by itself. */
  signal: number | null;
}
export interface Terminal {
  /** The command's pid, which is also its session and process group. */
  pid: number;
  /** Settles when the command has ended; bytes may still be on their way until `drain` has settled. */
  ended: Promise<TerminalEnd>;
  /** Delivers everything written so far, then frees the terminal. Call it once, after `ended`. */
  drain(): Promise<void>;
  write(data: Buffer): void;
  resize(cols: number, rows: number): void;
}

export const COLUMNS = 160;
export const ROWS = 100;
const NICE = 5;
/** Without a byte for this long the end is declared even if the end mark was not seen (a stopped terminal). */
const DRAIN_QUIET_MS = 2000;
/** A process that survived KILL and prints without end cannot hold the job's end for longer than this. */
const DRAIN_LIMIT_MS = 15_000;

// Newlines arrive as the program wrote them, and the job is the first to go when the kernel needs memory.
const PRELUDE =
  '{ stty -onlcr; [ -w /proc/self/oom_score_adj ] && echo 500 >/proc/self/oom_score_adj; } 2>/dev/null; exec /bin/sh -c "$1"';

/** The parts of node-pty (its version is pinned) that its typings leave out. */
interface PtyInternals {
  _socket: ReadStream;
  _writeStream: { dispose(): void };
  _pty: string;
  _emittedClose: boolean;
}

/**
 * Runs a shell command in a terminal of its own without ever losing its last bytes. Node before 24 takes a partial read
 * at hang-up for the end and node-pty tears its socket down 200 ms after the exit. So the slave is held open, which means
 * there is no hang-up, and the end is found by writing a random mark through the slave: what comes before it is complete.
 */
export function openTerminal(options: TerminalOptions): Terminal {
  const pty = spawn('/bin/sh', ['-c', PRELUDE, 'sh', options.command], {
    name: options.env['TERM'] ?? 'xterm-256color',
    cols: COLUMNS,
    rows: ROWS,
    cwd: options.cwd,
    env: options.env,
    encoding: null,
  });
  // Below the agent and the runner: whoever must end a job has to get a turn. Children inherit it.
  try {
    setPriority(pty.pid, Math.min(19, getPriority() + NICE));
  } catch {
    // it has ended already
  }
  const internals = pty as unknown as PtyInternals;
  // O_NOCTTY: a session leader without a terminal, such as a detached runner, would adopt this one.
  const slave = openSync(internals._pty, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  // Marked as closed, node-pty reports the exit at once and leaves the socket to us.
  internals._emittedClose = true;

  let isFreed = false;
  let deliver = options.onData;
  pty.onData((data) => {
    deliver(data as unknown as Buffer);
  });
  const ended = new Promise<TerminalEnd>((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      resolve(signal ? { exitCode: null, signal } : { exitCode, signal: null });
    });
  });

  return {
    pid: pty.pid,
    ended,
    drain: () =>
      drainTo(slave, (next) => (deliver = next), options.onData).finally(() => {
        isFreed = true;
        deliver = () => {};
        internals._writeStream.dispose();
        internals._socket.destroy();
        closeSync(slave);
      }),
    write: (data) => {
      // After the end the descriptor's number may belong to another file.
      if (!isFreed) (pty as IPty & { write(data: Buffer): void }).write(data);
    },
    resize: (cols, rows) => {
      if (!isFreed) pty.resize(cols, rows);
    },
  };
}

function drainTo(
  slave: number,
  redirect: (next: (bytes: Buffer) => void) => void,
  onData: (bytes: Buffer) => void,
): Promise<void> {
  // Digits pass every output mode of a terminal unchanged.
  const mark = Buffer.from(Array.from({ length: 40 }, () => String(randomInt(10))).join(''));
  return new Promise((resolve) => {
    let written = 0;
    let held: Buffer = Buffer.alloc(0);
    let lastByteAt = Date.now();
    const startedAt = lastByteAt;
    const finish = (rest: Buffer) => {
      clearInterval(timer);
      redirect(() => {});
      if (rest.length > 0) onData(rest);
      resolve();
    };
    const writeMark = () => {
      try {
        if (written < mark.length) written += writeSync(slave, mark, written);
      } catch {
        // full: room comes with the next read
      }
    };
    redirect((bytes) => {
      lastByteAt = Date.now();
      const all = held.length > 0 ? Buffer.concat([held, bytes]) : bytes;
      const at = all.indexOf(mark);
      if (at >= 0) {
        finish(all.subarray(0, at));
        return;
      }
      const keep = Math.min(all.length, mark.length - 1);
      if (all.length > keep) onData(all.subarray(0, all.length - keep));
      held = Buffer.from(all.subarray(all.length - keep));
      writeMark();
    });
    const timer = setInterval(() => {
      writeMark();
      const now = Date.now();
      if (now - lastByteAt > DRAIN_QUIET_MS || now - startedAt > DRAIN_LIMIT_MS) finish(held);
    }, 20);
    writeMark();
  });
}
