import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.js';
import { insertFirstToken, listTokens, revokeToken } from './tokens.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('of control planes that start at once, one makes the first token', async () => {
  const made = await Promise.all(Array.from({ length: 6 }, (_, i) => insertFirstToken(database.db, `nst_${i}`)));
  expect(made.filter(Boolean)).toHaveLength(1);
  const [token, ...others] = await listTokens(database.db, { limit: 10 });
  expect([token?.scopes, others]).toEqual([['admin'], []]);
  await revokeToken(database.db, token?.id ?? '');
  expect(await insertFirstToken(database.db, 'nst_again')).toBe(true);
});
