import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSpec } from '@nightshift/protocol';
import { findAttempt, findBoxById, findJob, findRun, listWaitingJobs, lockJob, type AttemptRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { advance } from '../loop/advance.js';
import { createRun } from '../loop/create-run.js';
import { exitOf, paperBox } from '../testing/paper-box.js';
import { loopDeps } from '../testing/test-loop.js';
import { SMALL_SPEC } from '../testing/test-api.js';
import { declineOffer } from './decline-offer.js';
import { loseAttempt } from './finish-attempt.js';
import { whyWaiting } from './why-waiting.js';

let database: TestDatabase;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.drop());

/** A box that was offered a job. */
async function offered(slots = 1) {
  const { db } = database;
  await database.sql`update jobs set state = 'cancelled', reason = 'cancelled', ended_at = now() where ended_at is null`;
  const deps = loopDeps(db);
  const run = await createRun(deps, parseSpec(SMALL_SPEC));
  await advance(deps, run.id, { skip: false });
  const box = await paperBox(db, { slots });
  const job = await box.take();
  if (!job) throw new Error('nothing was offered');
  return { run, box, job, attempt: (await findAttempt(db, job.attemptId)) as AttemptRow };
}
const eventsOf = async (boxId: string, type: string) =>
  (await settledEvents(database.db, { types: [type], limit: 1000 })).filter((event) => event.boxId === boxId);
const lost = { reason: 'box_lost' as const, detail: 'gone' };

test('whoever takes an attempt away waits for its job without holding the attempt', async () => {
  const { run, attempt } = await offered();
  let losing: Promise<void> | undefined;
  await database.db.transaction(async (tx) => {
    await lockJob(tx, attempt.jobId);
    losing = loseAttempt(database.db, attempt, run.id, lost);
    for (let waiting = 0; waiting === 0;) {
      const [row] = await database.sql<{ n: number }[]>`
        select count(*)::integer as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      waiting = row?.n ?? 0;
    }
    const [free] = await database.sql`select id from attempts where id = ${attempt.id} for update skip locked`;
    expect(free).toEqual({ id: attempt.id });
  });
  await losing;
  expect((await findJob(database.db, attempt.jobId))?.state).toBe('queued');
});

test('an offer that is declined and taken away at once is given out again once, and nobody waits for ever', async () => {
  for (let round = 0; round < 10; round++) {
    const { run, box, job, attempt } = await offered();
    const told = { attemptId: job.attemptId, token: job.token, reason: 'busy' as const, detail: 'busy' };
    await Promise.all([
      declineOffer(database.db, box.id, told),
      loseAttempt(database.db, attempt, run.id, lost),
      box.finish(job, exitOf('box_lost', null)),
    ]);
    expect((await findJob(database.db, attempt.jobId))?.state).toBe('queued');
    const events = [...(await eventsOf(box.id, 'job.declined')), ...(await eventsOf(box.id, 'job.requeued'))];
    expect(events).toHaveLength(1);
  }
});

test('a refusal and the loop, which hold the run and the job, do not wait for each other for ever', async () => {
  for (let round = 0; round < 10; round++) {
    const { run, box, job, attempt } = await offered();
    const told = { attemptId: job.attemptId, token: job.token, reason: 'agent_refused' as const, detail: 'not this' };
    await Promise.all([
      declineOffer(database.db, box.id, told),
      loseAttempt(database.db, attempt, run.id, lost),
      advance(loopDeps(database.db), run.id, { skip: false }),
    ]);
    expect((await findJob(database.db, attempt.jobId))?.state).toBe('queued');
  }
});

test('a box is cordoned with its reason in the row and in the event', async () => {
  const { box, ...first } = await offered();
  let job: typeof first.job | null = first.job;
  for (let n = 0; n < 3 && job; n++) {
    await box.finish(job, exitOf('disk_full', null, 'no space left on /data'));
    await database.sql`update jobs set not_before = null`;
    job = await box.take();
  }
  expect(job).toBeNull();
  const why = '3 failures of the infrastructure in a row, the last: disk_full (no space left on /data)';
  expect(await findBoxById(database.db, box.id)).toMatchObject({ isCordoned: true, cordonReason: why });
  expect((await eventsOf(box.id, 'box.cordoned')).map((event) => event.payload)).toEqual([{ why }]);
});

test('a full disk that ends several jobs of a box counts once, whoever filled it, and the next one again', async () => {
  const { box, job } = await offered(4);
  const beside = async () => {
    const deps = loopDeps(database.db);
    const run = await createRun(deps, parseSpec(SMALL_SPEC));
    await advance(deps, run.id, { skip: false });
    const next = await box.take();
    if (!next) throw new Error('nothing was offered');
    return next;
  };
  const [second, third, fourth] = [await beside(), await beside(), await beside()];
  const failures = async () => (await findBoxById(database.db, box.id))?.infraFailures;
  await box.finish(job, exitOf('disk_full', null));
  await box.finish(second, exitOf('disk_full', null));
  expect(await failures()).toBe(1);
  await box.finish(third, exitOf('disk_filled', null));
  await box.finish(fourth, exitOf('disk_full', null));
  expect(await failures()).toBe(0);
  await box.finish(await beside(), exitOf('disk_full', null));
  expect(await failures()).toBe(1);
  await box.finish(await beside(), exitOf('disk_full', null));
  expect(await failures()).toBe(2);
});

test('a disk that a job filled is no reason to try again where the job has failed before', async () => {
  const { db } = database;
  await database.sql`update boxes set removed_at = now()`;
  const { box: roomy, job } = await offered();
  await roomy.finish(job, exitOf('setup_failed', null));
  await database.sql`update jobs set not_before = null`;
  const small = await paperBox(db);
  const again = await small.take();
  for (const [id, diskFreeBytes] of [
    [roomy.id, 400e9],
    [small.id, 40e9],
  ] as const)
    await database.sql`insert into telemetry (box_id, at, sample)
      values (${id}, now() - interval '1 minute', ${database.sql.json({ diskFreeBytes })})`;
  await database.sql`update attempts set offered_at = now() where id = ${again?.attemptId ?? ''}`;
  if (again) await small.finish(again, exitOf('disk_filled', null));
  expect(await findJob(db, job.jobId)).toMatchObject({ state: 'failed', reason: 'disk_filled', attempt: 2 });
});

test('a disk that a job filled is tried once more where there is much more room, and only there', async () => {
  const { db } = database;
  const { run, box, job } = await offered();
  const roomy = await paperBox(db);
  const tell = (id: string, diskFreeBytes: number) =>
    database.sql`insert into telemetry (box_id, at, sample)
      values (${id}, now() - interval '1 minute', ${database.sql.json({ diskFreeBytes })})`;
  await tell(box.id, 40e9);
  await tell(roomy.id, 400e9);
  await database.sql`update attempts set offered_at = now() where id = ${job.attemptId}`;
  const filled = (gigabytes: number) => exitOf('disk_filled', null, `the job wrote ${gigabytes} GiB`);
  await box.finish(job, filled(40));
  expect(await findJob(db, job.jobId)).toMatchObject({ state: 'queued', reason: null });
  const queued = await findRun(db, run.id);
  expect(queued && (await whyWaiting(db, queued, new Date()))).toMatch(
    /tried again .*, after it filled the disk of a box$/,
  );
  await database.sql`update jobs set not_before = null`;
  const [waiting] = await listWaitingJobs(db, { limit: 1 });
  expect(waiting).toMatchObject({ id: job.jobId, avoids: [box.id] });
  const again = await roomy.take();
  expect(again?.jobId).toBe(job.jobId);
  const roomiest = await paperBox(db);
  await tell(roomiest.id, 4000e9);
  if (again) await roomy.finish(again, filled(400));
  expect(await findJob(db, job.jobId)).toMatchObject({ state: 'failed', reason: 'disk_filled', attempt: 2 });
  expect(await eventsOf(box.id, 'job.requeued')).toHaveLength(1);
  expect(await eventsOf(box.id, 'box.cordoned')).toEqual([]);
  await advance(loopDeps(db), run.id, { skip: false });
  expect(await findRun(db, run.id)).toMatchObject({ state: 'failed', endReason: 'baseline_failed' });
});

test('a disk that a job filled ends it where no other box has much more room', async () => {
  const { db } = database;
  await database.sql`update boxes set removed_at = now()`;
  const { box, job } = await offered();
  const other = await paperBox(db);
  for (const [id, diskFreeBytes] of [
    [box.id, 40e9],
    [other.id, 60e9],
  ] as const)
    await database.sql`insert into telemetry (box_id, at, sample)
      values (${id}, now() - interval '1 minute', ${database.sql.json({ diskFreeBytes })})`;
  await box.finish(job, exitOf('disk_filled', null, 'the job wrote 40 GiB'));
  expect(await findJob(db, job.jobId)).toMatchObject({ state: 'failed', reason: 'disk_filled', attempt: 1 });
});
