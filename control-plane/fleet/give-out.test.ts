import { afterAll, beforeAll, expect, test } from 'vitest';
import { MAX_ASSIGN_BYTES, parseSpec } from '@nightshift/protocol';
import { findRun, listAttempts, listJobsOfRun, lockRun } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { advance } from '../loop/advance.js';
import { createRun } from '../loop/create-run.js';
import { paperBox } from '../testing/paper-box.js';
import { loopDeps } from '../testing/test-loop.js';
import { SMALL_SPEC } from '../testing/test-api.js';

let database: TestDatabase;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.drop());

/** A run whose jobs have more to tell than a frame holds. */
async function oversized() {
  const deps = loopDeps(database.db);
  // Newlines are two bytes each in JSON.
  const env = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`V${i}`, '\n'.repeat(10_000)]));
  const decision = { ...SMALL_SPEC.decision, baselineReplicates: 1 };
  const { id } = await createRun(deps, parseSpec({ ...SMALL_SPEC, decision, job: { ...SMALL_SPEC.job, env } }));
  await advance(deps, id, { skip: false });
  return { id, deps };
}

test('a job of which a box must be told more than it takes is never sent, and ends its run with that cause', async () => {
  const { db } = database;
  const { id, deps } = await oversized();
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

test('while somebody holds its run, the job of such a frame waits and nothing of it is settled', async () => {
  const { db } = database;
  const { id } = await oversized();
  const box = await paperBox(db);
  await db.transaction(async (tx) => {
    await lockRun(tx, id, { skip: false });
    expect(await box.take()).toBeNull();
    const [job] = await listJobsOfRun(db, id);
    expect(job).toMatchObject({ state: 'queued', attempt: 0, reason: null });
    expect(await listAttempts(db, job?.id ?? '')).toEqual([]);
  });
  await database.sql`update jobs set not_before = null`;
  expect(await box.take()).toBeNull();
  expect((await listJobsOfRun(db, id))[0]).toMatchObject({ state: 'queued', attempt: 1 });
});
