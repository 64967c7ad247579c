import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type Database } from './open.js';
import { createTestDatabase, type TestDatabase } from './testing/database.js';

let database: TestDatabase;
let killer: Database;
beforeAll(async () => {
  database = await createTestDatabase({ max: 3 });
  killer = await openDatabase({ url: database.url, max: 1, applicationName: 'killer' });
  await database.sql`create table marks (id int primary key)`;
});
afterAll(async () => {
  await killer?.close();
  await database?.drop();
});

const pid = async (tx: Pick<Database['db'], 'execute'>) =>
  (await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`))[0]?.pid ?? 0;
const count = async () => (await database.sql<{ n: number }[]>`select count(*)::int as n from marks`)[0]?.n;
/** Ends a backend and waits until it is gone. */
const terminate = (backend: number) => killer.sql`select pg_terminate_backend(${backend}, 5000)`;

test('a transaction whose connection is ended between two statements fails, and nothing of it is written elsewhere', async () => {
  const lost = database.db.transaction(async (tx) => {
    await tx.execute(sql`insert into marks values (1)`);
    await terminate(await pid(tx));
    await new Promise((resolve) => setTimeout(resolve, 20)); // the socket of this process hears of it
    await tx.execute(sql`insert into marks values (2)`);
  });
  await expect(lost).rejects.toThrow(/lost|CONNECTION_CLOSED|Failed query/);
  expect(await count()).toBe(0);
});

test('a transaction whose connection is ended during a statement fails, and the pool goes on', async () => {
  for (let i = 0; i < 10; i++) {
    const lost = database.db.transaction(async (tx) => {
      const backend = await pid(tx);
      await Promise.all([terminate(backend), tx.execute(sql`select pg_sleep(5)`)]);
    });
    await expect(lost).rejects.toThrow(/lost|CONNECTION|Failed query/);
  }
  const rows = await Promise.all(Array.from({ length: 12 }, () => pid(database.db)));
  expect(rows.every((backend) => backend > 0)).toBe(true);
  expect(new Set(rows).size).toBeLessThanOrEqual(3);
});

test('what is thrown rolls back, a caught failure commits nothing, and an inner failure can be undone alone', async () => {
  await expect(
    database.db.transaction(async (tx) => {
      await tx.execute(sql`insert into marks values (3)`);
      throw new Error('changed my mind');
    }),
  ).rejects.toThrow('changed my mind');
  await expect(
    database.db.transaction(async (tx) => {
      await tx.execute(sql`insert into marks values (4)`);
      await tx.execute(sql`insert into marks values (4)`).catch(() => undefined);
    }),
  ).rejects.toMatchObject({ code: '23505' });
  expect(await count()).toBe(0);
  await database.db.transaction(async (tx) => {
    await tx.execute(sql`insert into marks values (5)`);
    await tx
      .transaction(async (inner) => {
        await inner.execute(sql`insert into marks values (6)`);
        await inner.execute(sql`insert into marks values (5)`);
      })
      .catch(() => undefined);
    await tx.execute(sql`insert into marks values (7)`);
  });
  expect(await database.sql`select id from marks order by id`).toEqual([{ id: 5 }, { id: 7 }]);
});
