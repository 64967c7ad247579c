import { execFile } from 'node:child_process';
import { chown, lchown, readdir, readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '@nightshift/protocol';
import type { PostgresBinaries } from './binaries.js';

const run = promisify(execFile);

/** How to start a Postgres program: Postgres refuses uid 0, and initdb a uid without a name. */
export interface RunAs {
  /** Put before the program: enters a user namespace where our files belong to an ordinary user. */
  prefix: string[];
  /** Become this user; the data must be theirs. */
  uid?: number;
  gid?: number;
}

/**
 * Chooses how Postgres programs run for the data in `clusterDir`, which need not exist yet.
 *
 * An ordinary user runs them directly. Root keeps its files and enters a user namespace, which works below /root too;
 * where that is forbidden, or when the data already belongs to someone else, the programs become that user.
 */
export async function chooseRunAs(binaries: PostgresBinaries, clusterDir: string): Promise<RunAs> {
  const uid = process.getuid?.();
  if (uid !== 0 && hasName()) return { prefix: [] };
  const owner = await stat(clusterDir).catch(() => undefined);
  if (uid === 0 && owner && owner.uid !== 0) return { prefix: [], uid: owner.uid, gid: owner.gid };

  const user = await ordinaryUser();
  const prefix = ['unshare', '-U', `--map-user=${user.uid}`, `--map-group=${user.gid}`, '--'];
  if (await works([...prefix, binaries.postgres, '--version'], binaries)) return { prefix };
  if (uid === 0) return { prefix: [], ...user };
  throw new AppError('database_unavailable', `The embedded Postgres cannot run as uid ${uid}, which has no name.`, {
    hint: 'Add the user to /etc/passwd, allow user namespaces, or set DATABASE_URL.',
  });
}

/** Gives `path` and what is in it to the user that the programs run as, when they run as another. */
export async function giveTo(runAs: RunAs, path: string): Promise<void> {
  if (runAs.uid === undefined || runAs.gid === undefined) return;
  const info = await stat(path).catch(() => undefined);
  if (!info || info.uid === runAs.uid) return;
  if (info.isDirectory()) {
    for (const entry of await readdir(path, { recursive: true })) await lchown(join(path, entry), runAs.uid, runAs.gid);
  }
  // The top last: it is what an interrupted hand-over is recognised by.
  await chown(path, runAs.uid, runAs.gid);
}

async function works(command: string[], binaries: PostgresBinaries): Promise<boolean> {
  const [file = '', ...args] = command;
  return run(file, args, { env: binaries.env, timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}

function hasName(): boolean {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

async function ordinaryUser(): Promise<{ uid: number; gid: number }> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((fields) => fields[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 };
  }
  return { uid: 65534, gid: 65534 };
}
