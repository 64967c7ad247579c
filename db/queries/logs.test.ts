import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.js';
import { readLog } from './logs.js';

let database: TestDatabase;
const whole = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * i) % 256));
beforeAll(async () => {
  database = await createTestDatabase();
  await database.sql.begin(async (tx) => {
    // The chunks alone: what they belong to is of no interest here.
    await tx`set local session_replication_role = replica`;
    for (const [from, to] of [
      [0, 1],
      [1, 1_024],
      [1_024, 1_100],
      [1_100, 5_000],
    ] as const)
      await tx`insert into log_chunks (attempt_id, "offset", data) values ('att_1', ${from}, ${whole.subarray(from, to)})`;
  });
});
afterAll(() => database?.drop());

test('any part of a log is what a slice of it is, whatever the chunks', async () => {
  for (const [from, to] of [
    [0, 5_000],
    [0, 1],
    [1, 2],
    [500, 1_090],
    [1_023, 1_025],
    [1_099, 1_101],
    [4_999, 5_000],
    [4_000, 9_000],
    [5_000, 6_000],
    [7, 7],
  ] as const) {
    const part = await readLog(database.db, 'att_1', from, to);
    expect(part.equals(whole.subarray(from, to)), `${from} to ${to}`).toBe(true);
  }
});
