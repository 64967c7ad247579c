import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { sql as query } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from './testing/database.js';
import { parseDatabaseUrl } from './database-url.js';
import { migrate } from './migrate.js';
import { openDatabase } from './open.js';
import { checkServer } from './wait-for-server.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('a test database has every migration that is shipped', async () => {
  expect(database.embedded).toBe(false);
  expect(await migrate(database)).toEqual([]);
});

test('the client for tables does not change how the other encodes dates and objects', async () => {
  const at = new Date('2026-01-02T03:04:05.678Z');
  const rows = await database.sql`select ${at}::timestamptz as at, ${database.sql.json({ a: [1] })}::jsonb as value`;
  expect(rows[0]).toEqual({ at, value: { a: [1] } });
  expect(await database.db.execute(query`select 1 as one`)).toMatchObject([{ one: 1 }]);
});

test('statements and idle transactions are bounded, and times are UTC', async () => {
  const [row] = await database.sql`
    select current_setting('statement_timeout') as statement, current_setting('TimeZone') as zone,
      current_setting('idle_in_transaction_session_timeout') as idle, current_setting('application_name') as application`;
  expect(row).toEqual({ statement: '1min', zone: 'UTC', idle: '1min', application: 'nightshift' });
});

test('behind a pooler nothing is prepared and no parameter is set', async () => {
  const url = new URL(database.url);
  url.searchParams.set('pgbouncer', 'true');
  const pooled = await openDatabase({ url: url.href, max: 1, applicationName: 'pooled' });
  try {
    for (let i = 0; i < 3; i++) await pooled.sql`select ${i}::int as i`;
    const [row] = await pooled.sql`
      select (select count(*)::int from pg_prepared_statements where name <> '') as prepared,
        current_setting('statement_timeout') as statement, current_setting('application_name') as application`;
    expect(row).toEqual({ prepared: 0, statement: '0', application: 'pooled' });
  } finally {
    await pooled.close();
  }
});

test('without DATABASE_URL the embedded database is opened, migrated, closed and opened again', async () => {
  const dataDir = await mkdtemp('/tmp/nightshift-open-');
  try {
    const first = await openDatabase({ dataDir });
    expect(first.embedded).toBe(true);
    expect((await migrate(first)).length).toBeGreaterThan(0);
    // Another process, or tool, reaches it by its URL.
    const guest = await openDatabase({ url: first.url, max: 1 });
    expect(guest.embedded).toBe(false);
    await guest.close();
    await first.close();
    const second = await openDatabase({ dataDir });
    expect(await migrate(second)).toEqual([]);
    await second.close();
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

test('a server that starts late is waited for, and one that never comes is a clear error', async () => {
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  silent.close();
  await once(silent, 'close');
  const url = `postgres://ann:secret@127.0.0.1:${port}/night`;
  const error = await openDatabase({ url, waitMs: 600 }).catch((cause: unknown) => cause);
  expect(error).toMatchObject({
    code: 'database_unavailable',
    message: expect.stringContaining(`127.0.0.1:${port}/night`),
  });
  expect(String(error)).not.toContain('secret');

  const there = parseDatabaseUrl(database.url).options as { host: string; port: number };
  const target = there.host.startsWith('/') ? { path: `${there.host}/.s.PGSQL.${there.port}` } : there;
  const moved = new URL(database.url);
  moved.searchParams.delete('host');
  moved.host = `127.0.0.1:${port}`;
  const opening = openDatabase({ url: moved.href, waitMs: 20_000, max: 1 });
  const late = createServer((client) => {
    const upstream = connect(target);
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  late.listen(port, '127.0.0.1');
  const opened = await opening;
  expect((await opened.sql`select 1 as one`)[0]?.one).toBe(1);
  await opened.close();
  late.close();
});

test('a database that does not exist is an error at once', async () => {
  const url = new URL(database.url);
  url.pathname = '/no_such_database';
  await expect(openDatabase({ url: url.href })).rejects.toMatchObject({
    code: 'database_unavailable',
    hint: expect.stringContaining('createdb'),
  });
});

test('neither a URL nor a directory is a configuration error', async () => {
  await expect(openDatabase({})).rejects.toMatchObject({ code: 'config_invalid' });
});

test('a server older than 15 and a standby are refused', () => {
  expect(() => checkServer({ version: 140_012, standby: false }, 'h/d')).toThrow('Postgres 14; 15 or newer');
  expect(() => checkServer({ version: 180_004, standby: true }, 'h/d')).toThrow('read-only standby');
  checkServer({ version: 150_000, standby: false }, 'h/d');
});
