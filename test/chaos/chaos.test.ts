import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { runChaos } from './chaos.js';

/** 200 by hand; the bounded number here takes about a minute on two busy cores. */
const CYCLES = Number(process.env.NIGHTSHIFT_CHAOS_CYCLES ?? 25);
const SEED = Number(process.env.NIGHTSHIFT_CHAOS_SEED ?? 1);

describe('whatever is killed or cut', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database?.drop());

  test(
    `nothing is lost, doubled or left running in ${CYCLES} cycles from seed ${SEED}`,
    { timeout: 240_000 + CYCLES * 5_000 },
    async () => {
      const report = await runChaos({ databaseUrl: database.url, cycles: CYCLES, seed: SEED, isServerOwn: false });
      console.log(JSON.stringify(report));
      expect(report.problems).toEqual([]);
      expect(Object.values(report.struck).reduce((sum, n) => sum + n, 0)).toBe(CYCLES);
      expect(report.counts.decisions).toBeGreaterThan(0);
      expect(report.counts.logBytes).toBeGreaterThan(report.counts.jobs * 200_000 - 1);
    },
  );
});
