import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { runTail } from './tail.js';

const JOBS = Number(process.env.NIGHTSHIFT_TAIL_JOBS ?? 60);

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test(
  `${JOBS} jobs that print 64 KiB in their last millisecond lose no byte on busy cores`,
  { timeout: 120_000 + JOBS * 1000 },
  async () => {
    const report = await runTail({ databaseUrl: database.url, jobs: JOBS, burners: 2 });
    console.log(JSON.stringify(report));
    expect(report.problems).toEqual([]);
    expect(report.jobs).toBe(JOBS);
  },
);
