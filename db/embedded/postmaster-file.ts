import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { processIdentity, processUses } from './process-identity.js';

/** What a running Postgres writes to `postmaster.pid` in its data directory. */
export interface PostmasterFile {
  pid: number;
  socketDir: string;
  status: 'starting' | 'ready' | 'stopping' | 'standby' | 'unknown';
}

export async function readPostmasterFile(clusterDir: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const status = lines[7] as PostmasterFile['status'] | undefined;
  const isKnown = status !== undefined && ['starting', 'ready', 'stopping', 'standby'].includes(status);
  return { pid, socketDir: lines[4] ?? '', status: isKnown ? status : 'unknown' };
}

/** A process that really is the postmaster of a data directory, by pid and start time. */
export interface Postmaster {
  pid: number;
  identity: string;
}

/** The postmaster that runs on `clusterDir` now, whoever started it. */
export async function findPostmaster(clusterDir: string): Promise<(Postmaster & PostmasterFile) | undefined> {
  const file = await readPostmasterFile(clusterDir);
  if (!file) return undefined;
  const identity = await processIdentity(file.pid);
  if (identity === undefined || !(await processUses(file.pid, clusterDir))) return undefined;
  return { ...file, identity };
}

/**
 * After a crash the pid in `postmaster.pid` may belong to something else (in a container it usually does), and Postgres
 * then refuses to start. Puts a pid there that is certainly dead instead of removing the file: the rest of it is how
 * Postgres finds backends that still hold the old shared memory.
 */
export async function disarmStalePid(clusterDir: string): Promise<boolean> {
  const file = await readPostmasterFile(clusterDir);
  if (!file) return false;
  if ((await processIdentity(file.pid)) === undefined) return true;
  const dead = spawn('/bin/sh', ['-c', 'exit 0'], { stdio: 'ignore', env: {} });
  await once(dead, 'exit');
  const path = join(clusterDir, 'postmaster.pid');
  const [, ...rest] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, [dead.pid, ...rest].join('\n'));
  return true;
}
