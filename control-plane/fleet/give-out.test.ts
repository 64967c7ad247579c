import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAX_ASSIGN_BYTES, parseSpec } from '@nightshift/protocol';
import { findRun, listAttempts, listJobsOfRun } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { advance } from '../loop/advance.js';
import { createRun } from '../loop/create-run.js';
import { paperBox } from '../testing/paper-box.js';
import { SMALL_SPEC } from '../testing/test-api.js';

let database: TestDatabase;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.drop());

test('a job of which a box must be told more than it takes is never sent, and ends its run with that cause', async () => {
  const { db } = database;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const { signal } = new AbortController();
  const deps = { db, log, wake: { run() {}, fleet() {} }, apiKey: () => undefined, leaseMs: 10_000, signal };
  // Newlines are two bytes each in JSON.
  const env = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`V${i}`, '\n'.repeat(10_000)]));
  const decision = { ...SMALL_SPEC.decision, baselineReplicates: 1 };
  const { id } = await createRun(deps, parseSpec({ ...SMALL_SPEC, decision, job: { ...SMALL_SPEC.job, env } }));
  await advance(deps, id, { skip: false });
  const box = await paperBox(db);
  for (let attempt = 1; attempt <= 5; attempt++) {
    expect(await box.take()).toBeNull();
    await database.sql`update jobs set not_before = null`;
  }
  const [job] = await listJobsOfRun(db, id);
  expect(job).toMatchObject({ state: 'failed', reason: 'source_unavailable', attempt: 5 });
  expect(job?.detail).toMatch(
    new RegExp(`is \\d{7} bytes and may be ${MAX_ASSIGN_BYTES}: put large values of job.env`),
  );
  expect((await listAttempts(db, job?.id ?? '')).every((attempt) => attempt.state === 'fenced')).toBe(true);
  await advance(deps, id, { skip: false });
  expect(await findRun(db, id)).toMatchObject({ state: 'failed', endReason: 'infrastructure' });
  expect((await findRun(db, id))?.endDetail).toContain('put large values of job.env');
});
