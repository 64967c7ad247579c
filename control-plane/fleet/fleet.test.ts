import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  parseSpec,
  PROTOCOL_VERSION,
  type AgentFrame,
  type ControlFrame,
  type ControlFrameOf,
  type FrameOf,
} from '@nightshift/protocol';
import {
  cancelJob,
  findBoxById,
  findJob,
  findRun,
  insertBox,
  listAttempts,
  listTelemetry,
  updateBox,
  type JobRow,
  type RunRow,
} from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { advance } from '../loop/advance.js';
import { createRun } from '../loop/create-run.js';
import { exitOf, PAPER_FACTS } from '../testing/paper-box.js';
import { loopDeps } from '../testing/test-loop.js';
import { SMALL_SPEC } from '../testing/test-api.js';
import { startFleet, type Fleet } from './fleet.js';
import { releasePins } from './release-pins.js';
import { whyWaiting } from './why-waiting.js';

let database: TestDatabase;
let fleet: Fleet;
const log = { debug() {}, info() {}, warn() {}, error() {} };
const wake = { run() {}, fleet: () => fleet.wake() };
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.drop());
beforeEach(async () => {
  await database.sql`update jobs set state = 'cancelled', reason = 'cancelled', ended_at = now() where ended_at is null`;
  fleet = startFleet({ db: database.db, log, wake }, { sweepMs: 3_600_000, telemetryKeepDays: 14 });
});
afterEach(() => fleet.stop());

/** A box whose socket is this test. */
async function connect(options: { labels?: string[]; slots?: number; dirty?: number[] } = {}) {
  const name = `box-${Math.random().toString(36).slice(2)}`;
  const row = await insertBox(database.db, { name, labels: options.labels ?? [], facts: null });
  const id = row?.id as string;
  const frames: ControlFrame[] = [];
  const closes: number[] = [];
  let told = () => {};
  const session = fleet.connect(id, {
    send: (text) => {
      frames.push(JSON.parse(text) as ControlFrame);
      told();
    },
    ping() {},
    close: (code) => closes.push(code),
    terminate() {},
  });
  const tell = (frame: AgentFrame) => session.receive(JSON.stringify(frame));
  let read = 0;
  const box = {
    id,
    name,
    frames,
    closes,
    session,
    tell,
    /** The next frame of this kind. */
    async next<T extends ControlFrame['type']>(type: T): Promise<ControlFrameOf<T>> {
      for (;;) {
        while (read < frames.length) {
          const frame = frames[read++] as ControlFrame;
          if (frame.type === type) return frame as ControlFrameOf<T>;
        }
        await new Promise<void>((resolve) => (told = resolve));
      }
    },
    beat(over: Partial<FrameOf<'heartbeat'>> = {}) {
      tell({ type: 'heartbeat', at: new Date().toISOString(), freeSlots: 1, dirty: [], telemetry: [], ...over });
    },
  };
  tell({
    type: 'hello',
    protocol: PROTOCOL_VERSION,
    facts: PAPER_FACTS,
    attempts: [],
    dirty: options.dirty ?? [],
    freeSlots: options.dirty ? 0 : (options.slots ?? 1),
  });
  await box.next('welcome');
  return box;
}
type Box = Awaited<ReturnType<typeof connect>>;

/** A queued job, of a run of its own. */
async function queueJob(labels: string[] = []): Promise<JobRow> {
  const deps = loopDeps(database.db);
  const run = await createRun(deps, parseSpec({ ...SMALL_SPEC, boxes: { labels } }));
  await advance(deps, run.id, { skip: false });
  const [row] = await database.sql<{ id: string }[]>`select id from jobs where run_id = ${run.id}`;
  return (await findJob(database.db, row?.id as string)) as JobRow;
}
const about = ({ job }: ControlFrameOf<'assign'>) => ({ attemptId: job.attemptId, token: job.token });
/** Resolves when a round trip through the box's frames is over: whatever was sent to it before has been seen. */
async function settled(box: Box): Promise<void> {
  box.tell({ type: 'accepted', attemptId: 'att_none', token: 'none' });
  await box.next('stale');
}
async function isStored(test: () => Promise<boolean>): Promise<void> {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('jobs are given out', () => {
  test('to the box that has the labels, each once, whoever of many is connected', async () => {
    const boxes = await Promise.all(Array.from({ length: 6 }, () => connect()));
    const special = await connect({ labels: ['rare'] });
    const jobs = [await queueJob(['rare']), ...(await Promise.all(Array.from({ length: 6 }, () => queueJob())))];
    fleet.wake();
    expect((await special.next('assign')).job.jobId).toBe(jobs[0]?.id);
    const given = await Promise.all(boxes.map(async (box) => (await box.next('assign')).job.jobId));
    expect(given.toSorted()).toEqual(
      jobs
        .slice(1)
        .map((job) => job.id)
        .toSorted(),
    );
  });

  test('to no box that is full, and the next one as soon as a job has ended', async () => {
    const box = await connect();
    const [first, second] = [await queueJob(), await queueJob()];
    fleet.wake();
    const assign = await box.next('assign');
    expect(assign.job.jobId).toBe(first.id);
    box.tell({ type: 'accepted', ...about(assign) });
    box.tell({ type: 'exit', ...about(assign), exit: exitOf('completed', 3) });
    expect((await box.next('assign')).job.jobId).toBe(second.id);
  });

  test('past any number of jobs that no connected box can run', async () => {
    const box = await connect();
    const stuck = await queueJob(['nobody-has-this']);
    await database.sql`
      insert into jobs (id, run_id, role, replicate, config, config_key, seed, created_at)
      select 'job_stuck' || n, ${stuck.runId}, 'baseline', 100 + n, '{}', 'k', 1, now() - interval '1 hour'
      from generate_series(1, 450) n`;
    const job = await queueJob();
    fleet.wake();
    expect((await box.next('assign')).job.jobId).toBe(job.id);
  });
});

describe('a box gets no new work', () => {
  test('while it is cordoned, and gets it at once when it no longer is', async () => {
    const box = await connect();
    const cordoned = await updateBox(database.db, box.id, { isCordoned: true });
    if (cordoned) fleet.tellFlags(cordoned);
    const job = await queueJob();
    fleet.wake();
    await settled(box);
    expect(box.frames.filter((frame) => frame.type === 'assign')).toEqual([]);
    const freed = await updateBox(database.db, box.id, { isCordoned: false });
    if (freed) fleet.tellFlags(freed);
    expect((await box.next('assign')).job.jobId).toBe(job.id);
  });

  test('while a process of an earlier job survives, from the end of that job on', async () => {
    const box = await connect();
    const [, second] = [await queueJob(), await queueJob()];
    fleet.wake();
    const assign = await box.next('assign');
    box.tell({ type: 'exit', ...about(assign), exit: { ...exitOf('completed', 3), leftPids: [4711] } });
    await box.next('release');
    fleet.wake();
    await settled(box);
    expect((await findJob(database.db, second.id))?.state).toBe('queued');
    box.beat({ dirty: [4711], freeSlots: 0 });
    await isStored(async () => (await findBoxById(database.db, box.id))?.dirtyPids[0] === 4711);
    box.beat();
    expect((await box.next('assign')).job.jobId).toBe(second.id);
    expect((await findBoxById(database.db, box.id))?.dirtyPids).toEqual([]);
  });

  test('that connected dirty gets it when it is clean, though it told of no slot', async () => {
    const box = await connect({ dirty: [4711] });
    const job = await queueJob();
    fleet.wake();
    box.beat({ freeSlots: 1 });
    expect((await box.next('assign')).job.jobId).toBe(job.id);
  });

  test('while it says that something is wrong with it', async () => {
    const health = { ok: false, problems: [{ code: 'gpu_stuck', detail: 'clocks at 611 MHz' }] };
    const box = await connect();
    box.beat({ facts: { ...PAPER_FACTS, health } });
    await isStored(async () => (await findBoxById(database.db, box.id))?.facts?.health?.ok === false);
    const job = await queueJob();
    fleet.wake();
    await settled(box);
    expect((await findJob(database.db, job.id))?.state).toBe('queued');
    box.beat({ facts: PAPER_FACTS });
    expect((await box.next('assign')).job.jobId).toBe(job.id);
  });
});

describe('an offer that a box has no room for', () => {
  test('leaves no attempt, counts towards no limit, and the job goes to another box', async () => {
    const full = await connect();
    const job = await queueJob();
    fleet.wake();
    const assign = await full.next('assign');
    full.tell({ type: 'refused', ...about(assign), reason: 'busy', detail: 'all 1 slots are taken' });
    await settled(full);
    const waiting = await findJob(database.db, job.id);
    expect(waiting).toMatchObject({ state: 'queued', attempt: 0 });
    expect(await listAttempts(database.db, job.id)).toEqual([]);
    expect((await findBoxById(database.db, full.id))?.infraFailures).toBe(0);
    const other = await connect();
    await database.sql`update jobs set not_before = now() where id = ${job.id}`;
    fleet.wake();
    expect((await other.next('assign')).job).toMatchObject({ jobId: job.id });
    expect((await listAttempts(database.db, job.id)).map((attempt) => attempt.number)).toEqual([1]);
    // What the first box says of it later is of nobody's.
    full.tell({ type: 'exit', ...about(assign), exit: exitOf('completed', 3) });
    await full.next('release');
    expect((await findJob(database.db, job.id))?.state).toBe('assigned');
  });

  test('ends the job when somebody has asked for its end meanwhile', async () => {
    const box = await connect();
    const job = await queueJob();
    fleet.wake();
    const assign = await box.next('assign');
    await database.db.transaction((tx) => cancelJob(tx, job.id, 'not wanted'));
    box.tell({ type: 'refused', ...about(assign), reason: 'busy', detail: 'all 1 slots are taken' });
    await settled(box);
    expect(await findJob(database.db, job.id)).toMatchObject({ state: 'cancelled', reason: 'cancelled' });
  });

  test('is no way out of a job that was accepted', async () => {
    const box = await connect();
    const job = await queueJob();
    fleet.wake();
    const assign = await box.next('assign');
    box.tell({ type: 'accepted', ...about(assign) });
    box.tell({ type: 'refused', ...about(assign), reason: 'busy', detail: 'second thoughts' });
    await settled(box);
    expect((await findJob(database.db, job.id))?.state).toBe('assigned');
  });
});

describe("a job that a box's owner does not allow", () => {
  const refuse = (box: Box, assign: ControlFrameOf<'assign'>, detail: string) =>
    box.tell({ type: 'refused', ...about(assign), reason: 'agent_refused', detail });
  const waiting = async (runId: string) =>
    whyWaiting(database.db, (await findRun(database.db, runId)) as RunRow, new Date());

  test('goes there once, waits for a busy box that takes it, and the run does not fail', async () => {
    const label = `lab-${Math.random()}`;
    const able = await connect({ labels: [label] });
    const busy = await queueJob([label]);
    fleet.wake();
    const first = await able.next('assign');
    expect(first.job.jobId).toBe(busy.id);
    const strict = await connect({ labels: [label] });
    const job = await queueJob([label]);
    fleet.wake();
    refuse(strict, await strict.next('assign'), 'a sandbox is required and there is none');
    await strict.next('release');
    for (let look = 0; look < 3; look++) {
      fleet.wake();
      await settled(strict);
    }
    expect(strict.frames.filter(({ type }) => type === 'assign')).toHaveLength(1);
    expect(await findJob(database.db, job.id)).toMatchObject({ state: 'queued', attempt: 0, notBefore: null });
    expect(await waiting(job.runId)).toBeNull();
    able.tell({ type: 'exit', ...about(first), exit: exitOf('completed', 3) });
    expect((await able.next('assign')).job.jobId).toBe(job.id);
    expect(await listAttempts(database.db, job.id)).toHaveLength(1);
  });

  test('waits, and the run says whose owner does not allow it, when no other box is there', async () => {
    const label = `lab-${Math.random()}`;
    const strict = await connect({ labels: [label] });
    const job = await queueJob([label]);
    fleet.wake();
    refuse(strict, await strict.next('assign'), "this box's owner does not allow the command: true (policy.json)");
    await strict.next('release');
    const why = await waiting(job.runId);
    expect(why).toContain('no box is allowed its job');
    expect(why).toContain(`${strict.name}: this box's owner does not allow the command: true (policy.json)`);
    expect(await findJob(database.db, job.id)).toMatchObject({ state: 'queued', attempt: 0 });
    // Its other jobs of the kind are not offered there either; another run's are.
    await database.sql`
      insert into jobs (id, run_id, role, replicate, config, config_key, seed)
      select 'job_second' || id, run_id, 'baseline', 7, config, config_key, seed from jobs where id = ${job.id}`;
    const other = await queueJob([label]);
    fleet.wake();
    expect((await strict.next('assign')).job.jobId).toBe(other.id);
  });

  test('that waits for this box is let go to any', async () => {
    const label = `lab-${Math.random()}`;
    const strict = await connect({ labels: [label] });
    const job = await queueJob([label]);
    await database.sql`update jobs set pinned_box_id = ${strict.id} where id = ${job.id}`;
    fleet.wake();
    refuse(strict, await strict.next('assign'), 'not this');
    await strict.next('release');
    expect(await findJob(database.db, job.id)).toMatchObject({ state: 'queued', pinnedBoxId: null });
    await database.sql`update jobs set pinned_box_id = ${strict.id} where id = ${job.id}`;
    expect(await releasePins(database.db, new Date())).toContain(job.runId);
  });
});

test('heartbeats are stored together, and one that the database will not take costs only itself', async () => {
  const [first, second] = [await connect(), await connect()];
  await database.sql`update boxes set state = 'unreachable' where id in (${first.id}, ${second.id})`;
  const sample = {
    load1: 1,
    memoryUsedBytes: 1,
    memoryAvailableBytes: 1,
    diskFreeBytes: 1,
    gpus: [],
    attemptId: null,
    at: new Date().toISOString(),
  };
  first.beat({ telemetry: [sample], freeSlots: 1 });
  first.beat({ telemetry: [{ ...sample, at: '2026-01-01T00:00:00Z' }], freeSlots: 3 });
  second.beat({ dirty: [Number.MAX_SAFE_INTEGER] });
  await isStored(async () => (await listTelemetry(database.db, first.id, { limit: 9 })).length === 2);
  expect(await findBoxById(database.db, first.id)).toMatchObject({ state: 'online', freeSlots: 3 });
  const events = await settledEvents(database.db, { limit: 1000 });
  expect(events.filter((event) => event.boxId === first.id).map((event) => event.type)).toContain('box.online');
  expect(second.closes).toEqual([]);
});

test('a request to end a job reaches its box once, not with every wake', async () => {
  const box = await connect({ slots: 2 });
  const jobs = [await queueJob(), await queueJob()];
  fleet.wake();
  const given = [await box.next('assign'), await box.next('assign')].map((frame) => frame.job);
  expect(given.map((job) => job.jobId).toSorted()).toEqual(jobs.map((job) => job.id).toSorted());
  // The second request goes out in a later look at all of them: one that was told again would be told before it.
  for (const job of jobs) {
    await database.db.transaction((tx) => cancelJob(tx, job.id, 'not wanted'));
    for (let i = 0; i < 5; i++) fleet.wake();
    const { attemptId } = await box.next('cancel');
    expect(given.find((one) => one.attemptId === attemptId)?.jobId).toBe(job.id);
  }
  await settled(box);
  expect(box.frames.filter((frame) => frame.type === 'cancel')).toHaveLength(2);
});

describe('a live terminal', () => {
  const watcher = () => {
    const seen = { text: '', notices: [] as string[], ends: [] as [string, boolean][] };
    return Object.assign(seen, {
      data: (bytes: Buffer) => void (seen.text += bytes.toString()),
      notice: (text: string) => void seen.notices.push(text),
      end: (why: string, isOver: boolean) => void seen.ends.push([why, isOver]),
    });
  };
  const bytes = (text: string) => Buffer.from(text).toString('base64');

  test('is one stream from the box, however many watch, and ends with the job', async () => {
    const box = await connect();
    await queueJob();
    fleet.wake();
    const at = about(await box.next('assign'));
    const [one, two] = [watcher(), watcher()];
    const link = fleet.watchTerminal(box.id, at, one);
    expect(await box.next('terminal')).toMatchObject({ action: 'open' });
    box.tell({ type: 'terminal', ...at, data: bytes('step 1\r\n') });
    await settled(box);
    fleet.watchTerminal(box.id, at, two);
    box.tell({ type: 'terminal', ...at, data: bytes('step 2\r\n') });
    link?.input(Buffer.from('x'.repeat(10_000)));
    expect(await box.next('terminal')).toMatchObject({ action: 'input', data: bytes('x'.repeat(4096)) });
    link?.resize(80, 24);
    await box.next('terminal');
    await box.next('terminal');
    expect(await box.next('terminal')).toMatchObject({ action: 'resize', cols: 80, rows: 24 });
    link?.close();
    box.tell({ type: 'exit', ...at, exit: exitOf('completed', 3) });
    await box.next('release');
    expect(one).toMatchObject({ text: 'step 1\r\nstep 2\r\n', ends: [] });
    expect(two).toMatchObject({ text: 'step 1\r\nstep 2\r\n', ends: [['the job has ended', true]] });
    expect(box.frames.filter((frame) => frame.type === 'terminal' && frame.action !== 'input')).toHaveLength(2);
  });

  test('is opened again when its box has connected again, and is not there for a box that is not', async () => {
    const box = await connect();
    await queueJob();
    fleet.wake();
    const at = about(await box.next('assign'));
    const one = watcher();
    fleet.watchTerminal(box.id, at, one);
    fleet.disconnect(box.session);
    expect(fleet.watchTerminal(box.id, at, watcher())).toBeNull();
    const frames: ControlFrame[] = [];
    const again = fleet.connect(box.id, {
      send: (text) => void frames.push(JSON.parse(text) as ControlFrame),
      ping() {},
      close() {},
      terminate() {},
    });
    again.receive(
      JSON.stringify({
        type: 'hello',
        protocol: PROTOCOL_VERSION,
        facts: PAPER_FACTS,
        attempts: [],
        dirty: [],
        freeSlots: 1,
      }),
    );
    await isStored(async () => frames.some((frame) => frame.type === 'terminal' && frame.action === 'open'));
    expect(one.notices).toEqual(['the box has lost its connection; the job goes on', 'the box is connected again']);
  });
});
