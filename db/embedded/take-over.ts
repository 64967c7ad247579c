import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@nightshift/protocol';
import { findPostmaster, type Postmaster, readPostmasterFile } from './postmaster-file.js';
import { stopPostmaster } from './postmaster.js';

/** The socket lives in a directory of its own: a path has room for 103 bytes, and data directories are often deeper. */
export const SOCKET_PREFIX = '/tmp/nightshift-pg-';
// A server found recovering or shutting down: shorter gives up on a big recovery, longer hides one that hangs.
const SETTLE_MS = 120_000;

/** The server that a dead owner left running on `clusterDir`, ready for clients; undefined when there is none. */
export async function takeOver(
  clusterDir: string,
  log: (message: string) => void,
): Promise<(Postmaster & { socketDir: string }) | undefined> {
  const deadline = Date.now() + SETTLE_MS;
  while (Date.now() < deadline) {
    const found = await findPostmaster(clusterDir);
    if (!found) {
      await removeOldSocketDir(clusterDir);
      return undefined;
    }
    if (found.status === 'ready') {
      if (await stat(join(found.socketDir, '.s.PGSQL.5432')).catch(() => undefined)) return found;
      log(`Postgres, pid ${found.pid}, runs but its socket in ${found.socketDir} was removed: stopping it`);
      await stopPostmaster(found);
    }
    await delay(20);
  }
  throw new AppError('database_unavailable', `The Postgres left running on ${clusterDir} does not become ready.`, {
    hint: `Look at ${join(clusterDir, '..', 'postgres.log')}.`,
  });
}

async function removeOldSocketDir(clusterDir: string): Promise<void> {
  const socketDir = (await readPostmasterFile(clusterDir))?.socketDir;
  if (!socketDir?.startsWith(SOCKET_PREFIX) || socketDir.slice(SOCKET_PREFIX.length).includes('/')) return;
  await rm(socketDir, { recursive: true, force: true }).catch(() => undefined);
}
