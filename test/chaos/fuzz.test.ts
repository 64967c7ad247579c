import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import { runFuzz } from './fuzz.js';

/** 100,000 by hand. */
const FRAMES = Number(process.env.NIGHTSHIFT_FUZZ_FRAMES ?? 3_000);
/** Beyond what the warm-up left: room for the noise of a collector, none for a leak of a kilobyte a frame. */
const GROWTH_BYTES = 16 * 1024 * 1024;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test(
  `${FRAMES} mutated and random frames and ${FRAMES / 10} bodies leave a control plane as it was`,
  { timeout: 120_000 + FRAMES * 20 },
  async () => {
    const report = await runFuzz({ databaseUrl: database.url, frames: FRAMES, bodies: FRAMES / 10, seed: 1 });
    console.log(JSON.stringify({ ...report, problems: report.problems.length }));
    expect(report.problems).toEqual([]);
    expect(report.frames).toBeGreaterThanOrEqual(FRAMES * 0.99);
    expect(report.closes['4400']).toBeGreaterThan(0);
    expect(report.heapBytes.after - report.heapBytes.before).toBeLessThan(GROWTH_BYTES);
  },
);
