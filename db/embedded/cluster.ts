import { spawn } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@nightshift/protocol';
import type { PostgresBinaries } from './binaries.js';
import { giveTo, type RunAs } from './run-as.js';

const INIT_PREFIX = 'cluster.init-';
export const SUPERUSER = 'nightshift';

/** Makes a new Postgres data directory at `clusterDir`, which must be absent or empty. */
export async function initCluster(
  binaries: PostgresBinaries,
  runAs: RunAs,
  clusterDir: string,
  options: { isThrowaway?: boolean } = {},
): Promise<void> {
  const [file = '', ...args] = [
    ...runAs.prefix,
    binaries.initdb,
    '-D',
    clusterDir,
    `--username=${SUPERUSER}`,
    // Whoever can reach the socket, in a directory of mode 0700, is the owner of the data anyway.
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    ...(options.isThrowaway ? ['--no-sync'] : []),
  ];
  const { uid, gid } = runAs;
  const child = spawn(file, args, { cwd: '/', env: binaries.env, uid, gid, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()));
  const end = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `it ended with ${signal ?? `exit code ${code}`}`));
  });
  if (end === '') return;
  throw new AppError('database_unavailable', `The database in ${clusterDir} could not be made: ${end}.`, {
    cause: new Error(output.join('').trim().slice(-2000)),
    hint: `${output.join('').trim().split('\n').at(-1) ?? ''} Choose a data directory that the user of Postgres can reach, or set DATABASE_URL.`.trim(),
  });
}

/**
 * Sees to it that `dataDir/cluster` is a whole data directory. A new one is made under another name and renamed when
 * complete, so that a killed initdb is never mistaken for a database. The caller owns the data directory.
 */
export async function ensureCluster(
  binaries: PostgresBinaries,
  runAs: RunAs,
  dataDir: string,
  log: (message: string) => void,
): Promise<string> {
  const clusterDir = join(dataDir, 'cluster');
  for (const name of await readdir(dataDir)) {
    if (!name.startsWith(INIT_PREFIX)) continue;
    log(`Removing ${name}, which an interrupted start left half made`);
    // Its initdb may still be writing; whatever it manages to leave, the next start removes.
    await rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 5 }).catch(() => undefined);
  }
  if (await isDirectory(clusterDir)) {
    if (await exists(join(clusterDir, 'global', 'pg_control'))) {
      await checkMajor(binaries, clusterDir);
      await giveTo(runAs, clusterDir);
      return clusterDir;
    }
    // No server has ever run here, but it may still be somebody's: aside, not away.
    const aside = `${clusterDir}.incomplete-${Date.now()}`;
    log(`${clusterDir} is not a complete Postgres data directory: moved to ${aside}`);
    await rename(clusterDir, aside);
  }
  log(`Making a new database in ${clusterDir}`);
  const fresh = await mkdtemp(join(dataDir, INIT_PREFIX));
  await giveTo(runAs, fresh);
  await initCluster(binaries, runAs, fresh);
  await rename(fresh, clusterDir);
  await syncDirectory(dataDir);
  return clusterDir;
}

async function checkMajor(binaries: PostgresBinaries, clusterDir: string): Promise<void> {
  const version = (await readFile(join(clusterDir, 'PG_VERSION'), 'utf8')).trim();
  if (Number(version) === binaries.major) return;
  throw new AppError(
    'database_unavailable',
    `The database in ${clusterDir} was made by Postgres ${version}, and this Nightshift brings Postgres ${binaries.major}.`,
    {
      hint: `Start it with a Postgres ${version} of your own and set DATABASE_URL, or move the directory away to begin anew.`,
    },
  );
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
