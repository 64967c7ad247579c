import { spawn } from 'node:child_process';
import { open, readFile, rename, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@nightshift/protocol';
import type { PostgresBinaries } from './binaries.js';
import { disarmStalePid, type Postmaster, readPostmasterFile } from './postmaster-file.js';
import { processIdentity } from './process-identity.js';
import { giveTo, type RunAs } from './run-as.js';

// Shorter and a big crash recovery is reported as a failure; longer and a server that hangs is noticed late.
const READY_MS = 120_000;
// A fast shutdown writes a checkpoint: shorter cuts it off on a slow disk, longer keeps a service manager waiting.
const STOP_MS = 30_000;
const POLL_MS = 10;
// After a crash the old backends take a moment to notice; until then Postgres refuses the data directory.
const ATTEMPTS_AFTER_CRASH = 20;
const MAX_LOG_BYTES = 10 * 1024 * 1024;

export interface Launch {
  binaries: PostgresBinaries;
  runAs: RunAs;
  clusterDir: string;
  socketDir: string;
  logFile: string;
  /** Server settings over the defaults. */
  settings?: Record<string, string>;
  /** A program that starts Postgres in its turn, e.g. one that ties it to its parent's life. */
  wrapper?: string[];
}

/**
 * Starts Postgres on a unix socket and no port, in a session of its own so that neither a Ctrl-C nor the death of its
 * parent reaches it, and waits until it answers.
 * @throws AppError `database_unavailable` with the end of the server's log as the cause.
 */
export async function launchPostmaster(launch: Launch): Promise<Postmaster> {
  const hasCrashed = await disarmStalePid(launch.clusterDir);
  for (let attempt = 1; ; attempt++) {
    const started = await tryLaunch(launch);
    if ('postmaster' in started) return started.postmaster;
    if (!hasCrashed || attempt === ATTEMPTS_AFTER_CRASH) {
      throw new AppError('database_unavailable', `The embedded Postgres did not start: ${started.failure}.`, {
        cause: new Error(started.logTail),
        hint: `${started.logTail.split('\n').at(-1) ?? ''} The log is ${launch.logFile}; DATABASE_URL gives a Postgres of your own instead.`.trim(),
      });
    }
    await delay(500);
  }
}

type Started = { postmaster: Postmaster } | { failure: string; logTail: string };

async function tryLaunch({ binaries, runAs, clusterDir, socketDir, logFile, ...rest }: Launch): Promise<Started> {
  const settings = {
    listen_addresses: '',
    unix_socket_directories: socketDir,
    unix_socket_permissions: '0700',
    fsync: 'on',
    log_line_prefix: '%m [%p] ',
    log_timezone: 'UTC',
    ...rest.settings,
  };
  const [file = '', ...args] = [
    ...runAs.prefix,
    ...(rest.wrapper ?? []),
    binaries.postgres,
    '-D',
    clusterDir,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  await boundLog(logFile);
  const logHandle = await open(logFile, 'a', 0o600);
  await giveTo(runAs, logFile);
  const logStart = (await logHandle.stat()).size;
  const { uid, gid } = runAs;
  const stdio = ['ignore', logHandle.fd, logHandle.fd] as const;
  const child = spawn(file, args, { cwd: '/', env: binaries.env, uid, gid, detached: true, stdio: [...stdio] });
  let failure: string | undefined;
  child.once('error', (error) => (failure ??= error.message));
  child.once('exit', (code, signal) => (failure ??= `it ended with ${signal ?? `exit code ${code}`}`));
  child.unref();
  await logHandle.close();

  const deadline = Date.now() + READY_MS;
  while (failure === undefined && Date.now() < deadline) {
    const status = await readPostmasterFile(clusterDir);
    if (status && status.pid === child.pid && status.status === 'ready') {
      const identity = await processIdentity(status.pid);
      if (identity !== undefined) return { postmaster: { pid: status.pid, identity } };
    }
    await delay(POLL_MS);
  }
  const logTail = (await readFile(logFile)).subarray(logStart).subarray(-4000).toString().trim();
  return { failure: failure ?? `it was not ready after ${READY_MS / 1000} s`, logTail };
}

/** Fast shutdown: ends sessions, writes everything down, and returns when the process is gone. */
export async function stopPostmaster(postmaster: Postmaster): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!(await isRunning(postmaster))) return;
    try {
      process.kill(postmaster.pid, signal);
    } catch {
      return;
    }
    const deadline = Date.now() + STOP_MS;
    while (Date.now() < deadline) {
      if (!(await isRunning(postmaster))) return;
      await delay(POLL_MS);
    }
  }
}

export async function isRunning(postmaster: Postmaster): Promise<boolean> {
  return (await processIdentity(postmaster.pid)) === postmaster.identity;
}

async function boundLog(logFile: string): Promise<void> {
  const info = await stat(logFile).catch(() => undefined);
  if (info && info.size > MAX_LOG_BYTES) await rename(logFile, `${logFile}.1`);
}
