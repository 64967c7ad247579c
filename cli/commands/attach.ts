import type { Command } from 'commander';
import { AppError } from '@nightshift/protocol';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf, type Api } from '../client.js';
import { findConnection } from '../connection.js';
import { findRun } from '../find-run.js';
import { onInterrupt } from '../interrupt.js';
import { Patience } from '../patience.js';
import { DETACH_KEY, takeTerminal } from '../raw-terminal.js';
import { openTerminalSocket, type TerminalSocket } from '../terminal-socket.js';

interface AttachOptions extends ClientOptions {
  readOnly?: boolean;
}

export function addAttach(program: Command, cli: Cli): void {
  withServer(program.command('attach'))
    .description('the live terminal of a job, or of the job that a run has on a box now; Ctrl-] leaves it')
    .argument('[job|run]', 'a job, a run, the beginning of a run, or latest', 'latest')
    .option('--read-only', 'watch, and keep the keys here (typing takes the scope attach)')
    .action(async (asked: string, options: AttachOptions) => {
      const api = apiOf(cli, options);
      await attach(cli, api, await findJobId(api, asked), options);
    });
}

async function findJobId(api: Api, asked: string): Promise<string> {
  if (asked.startsWith('job_')) return asked;
  const run = await findRun(api, asked);
  for (const state of ['running', 'assigned'] as const) {
    const { items } = await dataOf(api.GET('/v1/jobs', { params: { query: { run: run.id, state, limit: 1 } } }));
    if (items[0]) return items[0].id;
  }
  throw new AppError('illegal_state', `run ${run.id} has no job on a box now`, {
    hint: `follow it with: nightshift watch ${run.id}`,
  });
}

async function attach(cli: Cli, api: Api, jobId: string, options: AttachOptions): Promise<void> {
  const { terminal } = cli;
  const connection = findConnection(cli.home, cli.environment, options);
  const interrupt = onInterrupt();
  const decoder = new TextDecoder();
  const screen = takeTerminal(options.readOnly !== true && options.json !== true);
  const say = (text: string) => terminal.err(screen.isInteractive ? `\r\n[${text}]\r\n` : `[${text}]\n`);
  let socket: TerminalSocket | null = null;
  let isDetached = false;
  const detach = () => {
    isDetached = true;
    socket?.close();
  };
  interrupt.signal.addEventListener('abort', detach, { once: true });
  screen.onKeys((bytes) => {
    const at = bytes.indexOf(DETACH_KEY);
    if (at !== 0) socket?.type(at < 0 ? bytes : bytes.subarray(0, at));
    if (at >= 0) detach();
  });
  const fit = () => {
    const size = screen.size();
    if (size) socket?.resize(size.cols, size.rows);
  };
  screen.onResize(fit);
  const patience = new Patience({
    signal: interrupt.signal,
    onLost: () => say('the connection is lost; the job goes on, and it is tried again'),
  });
  let wasAttached = false;
  let isOver = false;
  try {
    while (!isDetached && !isOver) {
      try {
        socket = await openTerminalSocket(connection, jobId, {
          onReady(isWritable) {
            if (wasAttached) say('connected again');
            else if (screen.isInteractive)
              say(`${jobId}: ${isWritable ? 'Ctrl-] leaves it' : 'watching; Ctrl-] leaves'}`);
            wasAttached = true;
            patience.heard();
          },
          onBytes(bytes) {
            if (options.json) terminal.json({ jobId, text: decoder.decode(bytes, { stream: true }) });
            else screen.show(bytes);
          },
          onNotice: say,
        });
        fit();
        const end = await socket.ended;
        isOver = end.isOver && !isDetached;
        if (!isOver && !isDetached) await patience.after(new AppError('unavailable', end.why));
      } catch (error) {
        // The job has ended while nobody listened: that is the end, and no failure.
        if (wasAttached && error instanceof AppError && error.code === 'illegal_state') isOver = true;
        else if (wasAttached) await patience.after(error);
        else throw error;
      }
    }
  } finally {
    screen.restore();
    interrupt.release();
  }
  if (isOver) {
    const job = await dataOf(api.GET('/v1/jobs/{id}', { params: { path: { id: jobId } } }));
    terminal.err(`${jobId}: ${job.endedAt === null ? 'left its box' : (job.reason ?? job.state)}\n`);
  } else terminal.err(`${jobId}: left; it goes on\n`);
}
