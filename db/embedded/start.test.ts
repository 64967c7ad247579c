import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@nightshift/protocol';
import postgres, { type Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseDatabaseUrl } from '../database-url.js';
import { type Holder, spawnHolder } from './fixtures/holder.js';
import { findPostmaster } from './postmaster-file.js';
import { stopPostmaster } from './postmaster.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './start.js';

const isRoot = process.getuid?.() === 0;
let root: string;
let dataDir: string;
let seed: string;
const servers: EmbeddedPostgres[] = [];
const holders: Holder[] = [];

beforeAll(async () => {
  seed = await mkdtemp('/tmp/nightshift-seed-');
  await (await startEmbeddedPostgres({ dataDir: seed })).stop();
});
afterAll(() => rm(seed, { recursive: true, force: true }));

beforeEach(async () => {
  root = await mkdtemp('/tmp/nightshift-embedded-');
  dataDir = join(root, 'data');
});

afterEach(async () => {
  await Promise.all(holders.splice(0).map((holder) => holder.kill()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  const left = await findPostmaster(join(dataDir, 'cluster'));
  if (left) {
    await stopPostmaster(left);
    await rm(left.socketDir, { recursive: true, force: true });
  }
  await rm(root, { recursive: true, force: true });
});

async function start(dir = dataDir): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: dir });
  servers.push(server);
  return server;
}

async function stop(server: EmbeddedPostgres): Promise<void> {
  servers.splice(servers.indexOf(server), 1);
  await server.stop();
}

/** Begins with a database made earlier: a copy takes a tenth of the time. */
async function begin(): Promise<void> {
  await cp(join(seed, 'cluster'), join(dataDir, 'cluster'), { recursive: true });
}

function hold(options: Parameters<typeof spawnHolder>[1] = {}): Holder {
  const holder = spawnHolder(dataDir, options);
  holders.push(holder);
  return holder;
}

async function query<Result>(url: string | undefined, run: (sql: Sql) => Promise<Result>): Promise<Result> {
  const sql = postgres({ ...parseDatabaseUrl(url ?? '').options, max: 1, onnotice: () => undefined });
  try {
    return await run(sql);
  } finally {
    await sql.end();
  }
}

const addRow = (url: string | undefined) =>
  query(url, (sql) => sql.unsafe('create table if not exists kept (n int); insert into kept values (1)'));
const countRows = async (url: string | undefined) =>
  Number(await query(url, async (sql) => (await sql`select count(*) as n from kept`)[0]?.n));

async function processIsGone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await delay(5);
  }
}

test('a first start makes the database, durable and on a private socket only; a second one keeps its rows', async () => {
  const first = await start();
  expect(first.adopted).toBe(false);
  const settings = await query(first.url, async (sql) => {
    const rows =
      await sql`select name, setting from pg_settings where name in ('fsync', 'listen_addresses', 'full_page_writes', 'server_encoding')`;
    return Object.fromEntries(rows.map((row) => [row.name, row.setting]));
  });
  expect(settings).toEqual({ fsync: 'on', full_page_writes: 'on', listen_addresses: '', server_encoding: 'UTF8' });
  expect((await stat(first.socketDir)).mode & 0o777).toBe(0o700);
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  await addRow(first.url);
  await stop(first);
  await expect(stat(first.socketDir)).rejects.toThrow('ENOENT');

  const second = await start();
  expect(second.adopted).toBe(false);
  expect(await countRows(second.url)).toBe(1);
});

test('a server left by a killed owner is taken over, with its connections and rows', async () => {
  await begin();
  const holder = hold();
  const { url, pid } = await holder.outcome;
  await addRow(url);
  await holder.kill();
  expect(holder.stderr()).toBe('');

  const server = await start();
  expect(server).toMatchObject({ adopted: true, pid, url });
  expect(await countRows(server.url)).toBe(1);
  await stop(server);
  expect(await findPostmaster(join(dataDir, 'cluster'))).toBeUndefined();
});

test('a directory with a living owner is refused, and the error says who', async () => {
  await begin();
  const holder = hold();
  await holder.outcome;
  const error = await startEmbeddedPostgres({ dataDir }).catch((cause: unknown) => cause as AppError);
  expect(error).toBeInstanceOf(AppError);
  expect(error).toMatchObject({ code: 'database_locked' });
  expect((error as AppError).message).toContain(`process ${holder.pid} `);
  expect((error as AppError).hint).toContain('DATABASE_URL');
  await holder.finish();
  expect((await start()).adopted).toBe(false);
});

test('of several simultaneous starts exactly one wins, on a new directory and on a dead owner’s', async () => {
  for (const kind of ['new', 'abandoned']) {
    const at = Date.now() + 1_500;
    const rivals = [hold({ at }), hold({ at }), hold({ at })];
    const outcomes = await Promise.all(rivals.map((rival) => rival.outcome));
    const winners = outcomes.filter((outcome) => outcome.url !== undefined);
    expect(winners, kind).toHaveLength(1);
    const losers = outcomes.filter((outcome) => outcome.url === undefined);
    expect(losers.map((outcome) => outcome.code)).toEqual(['database_locked', 'database_locked']);
    expect(winners[0]?.adopted).toBe(kind === 'abandoned');
    await Promise.all(rivals.map((rival) => rival.kill()));
  }
});

test('what a start killed in the middle of initdb left is made again', async () => {
  const holder = hold();
  await holder.logged('Making a new database');
  for (;;) {
    const init = (await readdir(dataDir)).find((name) => name.startsWith('cluster.init-'));
    if (init && (await readdir(join(dataDir, init))).length > 3) break;
    await delay(2);
  }
  await holder.kill();
  expect(await readdir(dataDir)).not.toContain('cluster');

  const server = await start();
  await addRow(server.url);
  expect((await readdir(dataDir)).filter((name) => name.startsWith('cluster'))).toEqual(['cluster']);
});

test('a directory that never was a database is put aside, not deleted', async () => {
  await mkdir(join(dataDir, 'cluster', 'base'), { recursive: true });
  await writeFile(join(dataDir, 'cluster', 'PG_VERSION'), '18\n');
  await start();
  const aside = (await readdir(dataDir)).filter((name) => name.startsWith('cluster.incomplete-'));
  expect(aside).toHaveLength(1);
  expect(await readdir(join(dataDir, aside[0] ?? ''))).toContain('PG_VERSION');
});

test('a server killed together with its owner comes back with every committed row', async () => {
  await begin();
  const holder = hold();
  const { url, pid = 0 } = await holder.outcome;
  await addRow(url);
  await addRow(url);
  await holder.kill();
  process.kill(pid, 'SIGKILL');
  await processIsGone(pid);
  const server = await start();
  expect(server.adopted).toBe(false);
  expect(await countRows(server.url)).toBe(2);
  expect((await readdir('/tmp')).map((name) => `/tmp/${name}`)).not.toContain(
    parseDatabaseUrl(url ?? '').options.host as string,
  );
});

test('a server killed under a living owner is started again on the same socket', async () => {
  await begin();
  const server = await start();
  await addRow(server.url);
  const killed = server.pid;
  process.kill(killed, 'SIGKILL');
  await expect.poll(() => server.pid, { timeout: 20_000 }).not.toBe(killed);
  expect(await countRows(server.url)).toBe(1);
  await stop(server);
  expect(await findPostmaster(join(dataDir, 'cluster'))).toBeUndefined();
});

test('a stale postmaster.pid whose pid belongs to another program does not stop a start', async () => {
  await begin();
  const first = await start();
  await addRow(first.url);
  const pidFile = join(dataDir, 'cluster', 'postmaster.pid');
  const text = await readFile(pidFile, 'utf8');
  await stop(first);
  const stranger = spawn('sleep', ['600'], { stdio: 'ignore' });
  await once(stranger, 'spawn');
  try {
    await writeFile(pidFile, text.replace(/^\d+/, String(stranger.pid)), { mode: 0o600 });
    const second = await start();
    expect(second.adopted).toBe(false);
    expect(await countRows(second.url)).toBe(1);
    expect(stranger.exitCode).toBeNull();
  } finally {
    stranger.kill('SIGKILL');
  }
});

test('a server whose socket was swept from /tmp is replaced', async () => {
  await begin();
  const holder = hold();
  const { url, pid } = await holder.outcome;
  await addRow(url);
  await holder.kill();
  await rm(parseDatabaseUrl(url ?? '').options.host as string, { recursive: true });
  const server = await start();
  expect(server.adopted).toBe(false);
  expect(server.pid).not.toBe(pid);
  expect(await countRows(server.url)).toBe(1);
});

test('a directory deeper than a socket path may be is no obstacle', async () => {
  dataDir = join(root, 'a-rather-long-name-for-a-directory/'.repeat(8), 'data');
  expect(dataDir.length).toBeGreaterThan(200);
  const server = await start();
  expect(await query(server.url, async (sql) => (await sql`select 1 as one`)[0]?.one)).toBe(1);
});

test('data of another major version is refused and left alone', async () => {
  await begin();
  await writeFile(join(dataDir, 'cluster', 'PG_VERSION'), '17\n');
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
    code: 'database_unavailable',
    message: expect.stringContaining('Postgres 17'),
  });
  await writeFile(join(dataDir, 'cluster', 'PG_VERSION'), '18\n');
  await start();
});

test('a server that cannot start says why, and the directory is free again', async () => {
  await begin();
  const conf = join(dataDir, 'cluster', 'postgresql.conf');
  const good = await readFile(conf, 'utf8');
  await writeFile(conf, `${good}\nno_such_setting = 1\n`);
  const error = await startEmbeddedPostgres({ dataDir }).catch((cause: unknown) => cause as AppError);
  expect(error).toMatchObject({ code: 'database_unavailable', hint: expect.stringContaining('postgresql.conf') });
  expect(((error as AppError).cause as Error).message).toContain('no_such_setting');
  await writeFile(conf, good);
  await start();
});

test('a log over 10 MB is turned over at the next start', async () => {
  await begin();
  const logFile = join(dataDir, 'postgres.log');
  await writeFile(logFile, '');
  await truncate(logFile, 11 * 1024 * 1024);
  await start();
  expect((await stat(logFile)).size).toBeLessThan(100_000);
  expect((await stat(`${logFile}.1`)).size).toBe(11 * 1024 * 1024);
});

// A run as an ordinary user has tested that with everything above.
test.skipIf(!isRoot)(
  'an ordinary user starts, loses and takes over a database; root opens it as that user',
  async () => {
    await chmod(root, 0o777);
    const [uid, gid] = [65534, 65534];
    const first = hold({ uid, gid });
    const { url, message } = await first.outcome;
    expect(message).toBeUndefined();
    await addRow(url);
    await first.kill();
    const second = hold({ uid, gid });
    expect(await second.outcome).toMatchObject({ adopted: true, url });
    await second.finish();
    expect(second.stderr()).toBe('');

    const server = await start();
    expect(await countRows(server.url)).toBe(1);
    await stop(server);
    const third = hold({ uid, gid });
    expect((await third.outcome).message).toBeUndefined();
    expect(await countRows((await third.outcome).url)).toBe(1);
  },
);
