import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.js';
import { appendLog, readLog } from './logs.js';
import { appendMetrics, listMetrics } from './metrics.js';

let database: TestDatabase;
let attempt: string;
let made = 0;
beforeAll(async () => {
  database = await createTestDatabase();
  const { sql } = database;
  await sql`insert into projects (id, name) values ('p', 'p')`;
  await sql`insert into runs (id, project_id, spec, baseline_config, baseline_key, incumbent_config, incumbent_key)
    values ('r', 'p', '{}', '{}', 'k', '{}', 'k')`;
  await sql`insert into boxes (id, name) values ('b', 'b')`;
});
afterAll(() => database.drop());
beforeEach(async () => {
  const { sql } = database;
  attempt = `att_${++made}`;
  await sql`insert into jobs (id, run_id, role, replicate, config, config_key, seed)
    values (${`job_${made}`}, 'r', 'baseline', ${made}, '{}', 'k', 1)`;
  await sql`insert into attempts (id, job_id, number, box_id, token) values (${attempt}, ${`job_${made}`}, 1, 'b', 't')`;
});
const append = (offset: number, text: string, token = 't') =>
  appendLog(database.db, attempt, token, offset, Buffer.from(text));
const log = async () => (await readLog(database.db, attempt, 0, 1000)).toString();

describe('log bytes', () => {
  test('are stored once, whatever is sent again, overlaps or leaves a gap', async () => {
    expect(await append(0, 'hello ')).toBe(6);
    expect(await append(0, 'hello ')).toBe(6);
    expect(await append(3, 'lo world')).toBe(11);
    expect(await append(12, 'gap')).toBe(11);
    expect(await append(2, 'llo')).toBe(11);
    expect(await append(11, '')).toBe(11);
    expect(await log()).toBe('hello world');
  });

  test('are any bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, i) => i % 256));
    expect(await appendLog(database.db, attempt, 't', 0, bytes)).toBe(512);
    expect(await readLog(database.db, attempt, 0, 1000)).toEqual(bytes);
  });

  test('of many senders at once are one log', async () => {
    const whole = 'abcdefghijklmnopqrstuvwxyz';
    await Promise.all(Array.from({ length: 20 }, (_, i) => append(0, whole.slice(0, 7 + i))));
    expect(await append(0, whole)).toBe(26);
    expect(await log()).toBe(whole);
  });

  test('are refused with a stale token, and when the attempt is over or unknown', async () => {
    expect(await append(0, 'x', 'stale')).toBeNull();
    await database.sql`update attempts set state = 'fenced', ended_at = now() where id = ${attempt}`;
    expect(await append(0, 'x')).toBeNull();
    expect(await appendLog(database.db, 'att_none', 't', 0, Buffer.from('x'))).toBeNull();
    expect(await log()).toBe('');
  });

  test('at an offset that no log has are a gap', async () => {
    expect(await append(Number.MAX_SAFE_INTEGER - 10, 'x')).toBe(0);
  });
});

describe('metric points', () => {
  const points = (from: number, n: number) => Array.from({ length: n }, (_, i) => ({ name: 'loss', value: from + i }));
  const report = (seq: number, n: number, token = 't') =>
    appendMetrics(database.db, attempt, token, seq, points(seq, n));
  const values = async () => (await listMetrics(database.db, attempt, { limit: 100 })).map((point) => point.value);

  test('are stored once, whatever is sent again, overlaps or leaves a gap', async () => {
    expect(await report(0, 3)).toBe(3);
    expect(await report(0, 3)).toBe(3);
    expect(await report(1, 4)).toBe(5);
    expect(await report(6, 1)).toBe(5);
    expect(await report(Number.MAX_SAFE_INTEGER - 5, 1)).toBe(5);
    expect(await values()).toEqual([0, 1, 2, 3, 4]);
    expect(await report(5, 1, 'stale')).toBeNull();
  });

  test('keep what JSON cannot say, their step and their time', async () => {
    const at = '2026-01-01T00:00:00.000Z';
    const told: Parameters<typeof appendMetrics>[4] = [
      { name: 'a', value: 'NaN' },
      { name: 'b', value: 'Infinity', step: 7, at },
    ];
    expect(await appendMetrics(database.db, attempt, 't', 0, told)).toBe(2);
    expect(await listMetrics(database.db, attempt, { limit: 9 })).toMatchObject([
      { seq: 0, name: 'a', value: NaN, step: null, at: null },
      { seq: 1, name: 'b', value: Infinity, step: 7, at: new Date(at) },
    ]);
  });
});
