import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { migrate as drizzleMigrate } from 'drizzle-orm/postgres-js/migrator';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres, { type Sql } from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEmptyDatabase } from './testing/database.js';
import { parseDatabaseUrl } from './database-url.js';
import { migrate } from './migrate.js';

let folder: string;
let database: Awaited<ReturnType<typeof createEmptyDatabase>>;
let sql: Sql;

beforeEach(async () => {
  folder = await mkdtemp('/tmp/nightshift-migrations-');
  database = await createEmptyDatabase();
  sql = postgres({ ...parseDatabaseUrl(database.url).options, max: 1, onnotice: () => undefined });
});

afterEach(async () => {
  await sql.end();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

interface Step {
  tag: string;
  when: number;
  text: string;
}

const first = {
  tag: '0000_first',
  when: 1000,
  text: 'create table a (n int);\n--> statement-breakpoint\ninsert into a values (1);',
};
const second = { tag: '0001_second', when: 2000, text: 'alter table a add column s text;' };
const third = { tag: '0002_third', when: 3000, text: 'create table c (n int);' };

async function write(...steps: Step[]): Promise<void> {
  await mkdir(join(folder, 'meta'), { recursive: true });
  const entries = steps.map(({ tag, when }, idx) => ({ idx, version: '7', when, tag, breakpoints: true }));
  await writeFile(
    join(folder, 'meta', '_journal.json'),
    JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
  );
  for (const { tag, text } of steps) await writeFile(join(folder, `${tag}.sql`), text);
}

const ledger = () => sql`select hash, created_at from drizzle.__drizzle_migrations order by id`;
const failure = (message: string) => ({ code: 'migration_error', message: expect.stringContaining(message) });

test('pending migrations are applied in order, once', async () => {
  await write(first, second);
  expect(await migrate(database, { folder })).toEqual(['0000_first', '0001_second']);
  expect(await migrate(database, { folder })).toEqual([]);
  await write(first, second, third);
  expect(await migrate(database, { folder })).toEqual(['0002_third']);
  expect(await sql`select n, s from a`).toEqual([{ n: 1, s: null }]);
});

test('eight concurrent callers all succeed and each migration runs once', async () => {
  await write(first, second, third);
  const reports = await Promise.all(Array.from({ length: 8 }, () => migrate(database, { folder })));
  expect(reports.flat().sort()).toEqual(['0000_first', '0001_second', '0002_third']);
  expect(await sql`select n from a`).toHaveLength(1);
  expect(await ledger()).toHaveLength(3);
});

test('drizzle’s own migrator agrees with the ledger, and we with its', async () => {
  await write(first, second);
  await migrate(database, { folder });
  const client = postgres({ ...parseDatabaseUrl(database.url).options, max: 1, onnotice: () => undefined });
  try {
    await drizzleMigrate(drizzle(client), { migrationsFolder: folder });
    expect(await ledger()).toHaveLength(2);
    await write(first, second, third);
    await drizzleMigrate(drizzle(client), { migrationsFolder: folder });
  } finally {
    await client.end();
  }
  expect(await ledger()).toHaveLength(3);
  expect(await migrate(database, { folder })).toEqual([]);
});

test('a migration changed after it was applied is an error', async () => {
  await write(first, second);
  await migrate(database, { folder });
  await write({ ...first, text: `${first.text} ` }, second, third);
  await expect(migrate(database, { folder })).rejects.toMatchObject(failure('0000_first was changed'));
  expect(await ledger()).toHaveLength(2);
});

test('a pending migration older than the newest applied one is an error, not skipped', async () => {
  await write(first, third);
  await migrate(database, { folder });
  await write(first, second, third);
  await expect(migrate(database, { folder })).rejects.toMatchObject(failure('0001_second is older'));
});

test('a journal whose times do not increase is an error, wherever the late one stands', async () => {
  await write(first, third, second);
  await expect(migrate(database, { folder })).rejects.toMatchObject(
    failure('0001_second is not newer than 0002_third'),
  );
  await write(first, { ...second, when: first.when });
  await expect(migrate(database, { folder })).rejects.toMatchObject(failure('is not newer'));
});

test('a database that a newer program migrated is refused', async () => {
  await write(first, second);
  await migrate(database, { folder });
  await write(first);
  await expect(migrate(database, { folder })).rejects.toMatchObject(failure('does not know'));
});

test('a migration that fails leaves nothing of itself and keeps those before it', async () => {
  await write(first, { ...second, text: 'create table b (n int);\n--> statement-breakpoint\nselect 1 / 0;' });
  await expect(migrate(database, { folder })).rejects.toMatchObject({
    ...failure('0001_second failed'),
    cause: { code: '22012' },
  });
  expect(await ledger()).toHaveLength(1);
  expect((await sql`select to_regclass('b') as b`)[0]?.b).toBeNull();
  await write(first, second);
  expect(await migrate(database, { folder })).toEqual(['0001_second']);
});

test('a value added to an enum can be used by the next migration', async () => {
  await write(
    { tag: '0000_enum', when: 1, text: "create type state as enum ('a'); create table t (s state);" },
    { tag: '0001_add', when: 2, text: "alter type state add value 'b';" },
    { tag: '0002_use', when: 3, text: "insert into t values ('b');" },
  );
  expect(await migrate(database, { folder })).toHaveLength(3);
});

test('a folder without a journal, a torn journal and a missing file are errors', async () => {
  await expect(migrate(database, { folder })).rejects.toMatchObject(failure('cannot be read'));
  await mkdir(join(folder, 'meta'));
  for (const text of ['{"entries": [', 'null', '{"entries": [{"tag": 1}]}']) {
    await writeFile(join(folder, 'meta', '_journal.json'), text);
    await expect(migrate(database, { folder })).rejects.toMatchObject({ code: 'migration_error' });
  }
  await write(first);
  await rm(join(folder, '0000_first.sql'));
  await expect(migrate(database, { folder })).rejects.toMatchObject(failure('0000_first.sql'));
});
