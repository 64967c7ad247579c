import { chmod, chown, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { locateBinaries } from './binaries.js';
import { ensureCluster, SUPERUSER } from './cluster.js';
import { keepRunning } from './keep-running.js';
import { claimOwnership } from './ownership.js';
import type { Postmaster } from './postmaster-file.js';
import { type Launch, launchPostmaster, stopPostmaster } from './postmaster.js';
import { chooseRunAs, giveTo } from './run-as.js';
import { SOCKET_PREFIX, takeOver } from './take-over.js';

const DATABASE = 'nightshift';
const DUPLICATE_DATABASE = '42P04';

export interface EmbeddedPostgres {
  /** In libpq's form: `postgres://nightshift@localhost/nightshift?host=/tmp/nightshift-pg-…`. */
  readonly url: string;
  readonly socketDir: string;
  /** Of the postmaster; another one after it crashed and was started again. */
  readonly pid: number;
  /** Whether a server that an earlier, dead owner left running was taken over. */
  readonly adopted: boolean;
  /** Shuts the server down and lets others have the data directory. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** A directory of our own; the Postgres data is in `cluster` below it, its log in `postgres.log`. */
  dataDir: string;
  log?: ((message: string) => void) | undefined;
}

/**
 * Starts, or takes over, the Postgres in `dataDir`, making it first when there is none. The server outlives a killed
 * caller, and is started again when it dies before the caller does.
 * @throws AppError `database_locked` when a living process owns the directory; `database_unavailable` otherwise.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = await realpath(options.dataDir);
  const ownership = await claimOwnership(dataDir);
  try {
    const server = await startOwned(dataDir, options.log ?? (() => undefined));
    return {
      ...server.facts,
      get pid() {
        return server.pid();
      },
      async stop() {
        await server.stop();
        await ownership.release();
      },
    };
  } catch (error) {
    await ownership.release();
    throw error;
  }
}

async function startOwned(dataDir: string, log: (message: string) => void) {
  await chmod(dataDir, 0o700);
  const binaries = await locateBinaries(dataDir);
  const runAs = await chooseRunAs(binaries, join(dataDir, 'cluster'));
  if (runAs.uid !== undefined && runAs.gid !== undefined) await chown(dataDir, runAs.uid, runAs.gid);
  const clusterDir = await ensureCluster(binaries, runAs, dataDir, log);

  const found = await takeOver(clusterDir, log);
  const socketDir = found?.socketDir ?? (await mkdtemp(SOCKET_PREFIX));
  const launch: Launch = { binaries, runAs, clusterDir, socketDir, logFile: join(dataDir, 'postgres.log') };
  let first: Postmaster | undefined = found;
  try {
    await giveTo(runAs, socketDir);
    first ??= await launchPostmaster(launch);
    log(`${found ? 'Took over' : 'Started'} Postgres, pid ${first.pid}, socket in ${socketDir}`);
    await ensureDatabase(socketDir);
  } catch (error) {
    if (first) await stopPostmaster(first);
    await rm(socketDir, { recursive: true, force: true });
    throw error;
  }
  const kept = keepRunning(launch, first, log);
  const url = `postgres://${SUPERUSER}@localhost/${DATABASE}?host=${socketDir}`;
  return {
    facts: { url, socketDir, adopted: found !== undefined },
    pid: () => kept.current().pid,
    async stop() {
      await kept.stop();
      await rm(socketDir, { recursive: true, force: true });
    },
  };
}

async function ensureDatabase(socketDir: string): Promise<void> {
  const sql = postgres({ host: socketDir, port: 5432, user: SUPERUSER, database: 'postgres', max: 1 });
  try {
    const [row] = await sql`select 1 from pg_database where datname = ${DATABASE}`;
    if (!row) await sql.unsafe(`create database ${DATABASE}`);
  } catch (error) {
    if ((error as { code?: string }).code !== DUPLICATE_DATABASE) throw error;
  } finally {
    await sql.end();
  }
}
