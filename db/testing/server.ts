import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { locateBinaries, type PostgresBinaries } from '../embedded/binaries.js';
import { initCluster, SUPERUSER } from '../embedded/cluster.js';
import { findPostmaster } from '../embedded/postmaster-file.js';
import { launchPostmaster, stopPostmaster } from '../embedded/postmaster.js';
import { processIdentity } from '../embedded/process-identity.js';
import { chooseRunAs, giveTo, type RunAs } from '../embedded/run-as.js';
import { migrate } from '../migrate.js';
import { openDatabase } from '../open.js';

export interface TestServer {
  adminUrl: string;
  /** A migrated, empty database that nobody is connected to. */
  template: string;
}

const PREFIX = 'nightshift-test-';
const MAX_CONNECTIONS = 300;

/** Starts a server in `dir`, or uses the one at `externalUrl`, and migrates a template database in it. */
export async function startTestServer(
  dir: string,
  externalUrl: string | undefined,
  template: string,
): Promise<TestServer & { stop(): Promise<void> }> {
  const server = externalUrl ? { adminUrl: externalUrl, stop: () => Promise.resolve() } : await startThrowaway(dir);
  const drop = () => administer(server.adminUrl, `drop database if exists ${template} with (force)`);
  try {
    await administer(server.adminUrl, `create database ${template}`);
    await migrate({ url: databaseUrl(server.adminUrl, template) });
  } catch (error) {
    await drop().catch(() => undefined);
    await server.stop();
    throw error;
  }
  return {
    adminUrl: server.adminUrl,
    template,
    async stop() {
      if (externalUrl) await drop();
      await server.stop();
    },
  };
}

/** The same server's URL for another database. */
export function databaseUrl(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}

export async function administer(adminUrl: string, statement: string): Promise<void> {
  const database = await openDatabase({ url: adminUrl, max: 1 });
  try {
    await database.sql.unsafe(statement);
  } finally {
    await database.close();
  }
}

async function startThrowaway(dir: string): Promise<{ adminUrl: string; stop(): Promise<void> }> {
  const binaries = await locateBinaries(dir);
  const clusterDir = join(dir, 'cluster');
  const runAs = await chooseRunAs(binaries, clusterDir);
  await mkdir(clusterDir, { mode: 0o700 });
  if (runAs.uid !== undefined) await chmod(dir, 0o755);
  await giveTo(runAs, clusterDir);
  await initCluster(binaries, runAs, clusterDir, { isThrowaway: true });
  const postmaster = await launchPostmaster({
    binaries,
    runAs,
    clusterDir,
    socketDir: clusterDir,
    logFile: join(dir, 'postgres.log'),
    // Nothing here outlives the run, so nothing needs to reach the disk.
    settings: {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      max_connections: `${MAX_CONNECTIONS}`,
    },
    wrapper: await dieWithParent(binaries, runAs),
  });
  return {
    adminUrl: `postgres://${SUPERUSER}@localhost/postgres?host=${clusterDir}`,
    stop: () => stopPostmaster(postmaster),
  };
}

/** Linux can end the server when a killed run cannot; elsewhere the next run does, in `sweepAbandoned`. */
async function dieWithParent(binaries: PostgresBinaries, runAs: RunAs): Promise<string[]> {
  const wrapper = ['setpriv', '--pdeathsig', 'INT'];
  const [file = '', ...args]: string[] = [...runAs.prefix, ...wrapper, '/bin/true'];
  return promisify(execFile)(file, args, { env: binaries.env }).then(
    () => wrapper,
    () => [],
  );
}

/** Removes what killed runs left behind: their directories, and a server that outlived them. */
export async function sweepAbandoned(): Promise<void> {
  for (const name of await readdir('/tmp')) {
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : NaN;
    if (!(pid > 0) || (await processIdentity(pid)) !== undefined) continue;
    const dir = join('/tmp', name);
    const postmaster = await findPostmaster(join(dir, 'cluster'));
    if (postmaster) await stopPostmaster(postmaster);
    await rm(dir, { recursive: true, force: true }).catch(() => undefined);
  }
}
