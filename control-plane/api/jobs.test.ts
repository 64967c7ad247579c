import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpec } from '@nightshift/protocol';
import { cancelJob, listJobsOfRun, type JobRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { advance } from '../loop/advance.js';
import { createRun } from '../loop/create-run.js';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { SMALL_SPEC, testApi, type TestApi } from '../testing/test-api.js';

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

async function queuedJob(): Promise<JobRow> {
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const deps = {
    db: database.db,
    log: quiet,
    wake: { run() {}, fleet() {} },
    apiKey: () => undefined,
    leaseMs: 1000,
    signal: new AbortController().signal,
  };
  const run = await createRun(deps, parseSpec(SMALL_SPEC));
  await advance(deps, run.id, { skip: false });
  const [job] = await listJobsOfRun(database.db, run.id);
  if (!job) throw new Error('the run queued no job');
  return job;
}
async function takenJob() {
  await queuedJob();
  const job = await box.take();
  if (!job) throw new Error('there was no job to take');
  return job;
}
const cancel = (id: string) => api.json('POST', `/v1/jobs/${id}/cancel`);
async function eventsOf(jobId: string): Promise<string[]> {
  const events = await settledEvents(database.db, { types: ['job.cancelled', 'job.cancelling'], limit: 500 });
  return events.filter((event) => event.payload['jobId'] === jobId).map((event) => event.type);
}

describe('cancelling a job', () => {
  test('on a box asks once, and says so once', async () => {
    const { jobId } = await takenJob();
    for (let i = 0; i < 2; i++) expect(await cancel(jobId)).toMatchObject({ status: 200, body: { state: 'assigned' } });
    expect(await eventsOf(jobId)).toEqual(['job.cancelling']);
  });

  test('that has ended changes nothing and is told', async () => {
    const job = await takenJob();
    await box.begin(job);
    await box.finish(job, exitOf('completed', 1));
    expect(await database.db.transaction((tx) => cancelJob(tx, job.jobId, 'too late'))).toBeNull();
    expect(await cancel(job.jobId)).toMatchObject({ status: 409, body: { code: 'illegal_state' } });
    expect(await eventsOf(job.jobId)).toEqual([]);
  });

  test('that waits ends it at once', async () => {
    const { id } = await queuedJob();
    expect(await cancel(id)).toMatchObject({ status: 200, body: { state: 'cancelled', reason: 'cancelled' } });
    expect(await cancel(id)).toMatchObject({ status: 409, body: { code: 'illegal_state' } });
    expect(await eventsOf(id)).toEqual(['job.cancelled']);
  });
});

test('metrics are asked for after a number that the database stores', async () => {
  const { id } = await queuedJob();
  const after = async (n: number) => (await api.json('GET', `/v1/jobs/${id}/metrics?after=${n}`)).status;
  expect([await after(2_147_483_647), await after(2_147_483_648), await after(-1)]).toEqual([200, 400, 400]);
});
