import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpec, type JobSpec } from '@nightshift/protocol';
import { appendLog } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { advance } from '../loop/advance.js';
import { createRun } from '../loop/create-run.js';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { SMALL_SPEC, testApi, type TestApi } from '../testing/test-api.js';

const MIB = 1 << 20;
let database: TestDatabase;
let api: TestApi;
let box: PaperBox;
beforeAll(async () => {
  database = await createTestDatabase();
  api = await testApi(database.db);
  box = await paperBox(database.db, { slots: 100 });
});
afterAll(async () => {
  api.stop();
  await database.drop();
});

/** A job in training, with a log of these bytes. */
async function trainingJob(log: Buffer): Promise<JobSpec> {
  const wake = { run() {}, fleet() {} };
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const deps = {
    db: database.db,
    log: quiet,
    wake,
    apiKey: () => undefined,
    leaseMs: 1000,
    signal: new AbortController().signal,
  };
  const run = await createRun(deps, parseSpec(SMALL_SPEC));
  await advance(deps, run.id, { skip: false });
  const job = await box.take();
  if (!job) throw new Error('there was no job to take');
  await box.begin(job);
  await write(job, 0, log);
  return job;
}
async function write(job: JobSpec, offset: number, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length; at += MIB)
    await database.db.transaction((tx) =>
      appendLog(tx, job.attemptId, job.token, offset + at, data.subarray(at, at + MIB)),
    );
}
async function read(job: JobSpec, range?: string, query = '') {
  const response = await api.call(
    'GET',
    `/v1/jobs/${job.jobId}/log${query}`,
    range === undefined ? {} : { headers: { range } },
  );
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

describe('a log', () => {
  const log = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256));

  test('is given as the raw bytes that the terminal had', async () => {
    const { status, headers, bytes } = await read(await trainingJob(log));
    expect(status).toBe(200);
    expect(bytes.equals(log)).toBe(true);
    expect(headers.get('content-type')).toBe('application/octet-stream');
    expect(headers.get('accept-ranges')).toBe('bytes');
    expect([headers.get('x-job-state'), headers.get('x-log-complete')]).toEqual(['running', 'false']);
  });

  test.each([
    ['bytes=0-', 0, 1000],
    ['bytes=10-19', 10, 20],
    ['bytes=999-', 999, 1000],
    ['bytes=990-5000', 990, 1000],
    ['bytes=-10', 990, 1000],
    ['bytes=-5000', 0, 1000],
  ])('answers %s', async (range, from, to) => {
    const { status, headers, bytes } = await read(await trainingJob(log), range);
    expect([status, headers.get('content-range')]).toEqual([206, `bytes ${from}-${to - 1}/1000`]);
    expect(bytes.equals(log.subarray(from, to))).toBe(true);
  });

  test.each(['bytes=1000-', 'bytes=5-4', 'bytes=-0', 'bytes=-', 'bytes=0-1,3-4', 'items=0-1', 'bytes=a-b'])(
    'answers 416 to %s',
    async (range) => {
      const { status, headers, bytes } = await read(await trainingJob(log), range);
      expect([status, headers.get('content-type')]).toEqual([416, 'application/problem+json']);
      expect(JSON.parse(bytes.toString())).toMatchObject({ code: 'range_not_satisfiable', status: 416 });
    },
  );

  test('longer than one answer is read on with Range, to the last byte', async () => {
    const long = Buffer.alloc(9 * MIB + 17, 'nightshift ');
    const job = await trainingJob(long);
    const parts: Buffer[] = [];
    for (let from = 0; from < long.length;) {
      const { status, bytes } = await read(job, `bytes=${from}-`);
      expect(status).toBe(206);
      expect(bytes.length).toBeLessThanOrEqual(4 * MIB);
      parts.push(bytes);
      from += bytes.length;
    }
    expect(Buffer.concat(parts).equals(long)).toBe(true);
    expect((await read(job)).status).toBe(206);
  });

  test('that is waited for comes with its first bytes', async () => {
    const job = await trainingJob(log);
    const waiting = read(job, 'bytes=1000-', '?wait=30');
    await write(job, 1000, Buffer.from('more'));
    const { status, bytes } = await waiting;
    expect([status, bytes.toString()]).toEqual([206, 'more']);
  });

  test('says that it is complete when the job has ended, which also ends a wait', async () => {
    const job = await trainingJob(log);
    const waiting = read(job, 'bytes=1000-', '?wait=30');
    await box.finish(job, { ...exitOf('completed', 1), logBytes: 1000 });
    const { status, headers } = await waiting;
    expect([status, headers.get('x-log-complete'), headers.get('x-job-state')]).toEqual([416, 'true', 'succeeded']);
    expect(headers.get('content-range')).toBe('bytes */1000');
  });

  test('of a job that no box has taken is empty; of an attempt that was not made, not found', async () => {
    const job = await trainingJob(Buffer.alloc(0));
    expect(await read(job)).toMatchObject({ status: 200, bytes: Buffer.alloc(0) });
    expect((await read(job, undefined, '?attempt=2')).status).toBe(404);
    expect((await read(job, undefined, '?attempt=1')).status).toBe(200);
  });
});
