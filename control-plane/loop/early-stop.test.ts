import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  isTerminalRun,
  parseSpec,
  PROTOCOL_VERSION,
  type ControlFrame,
  type ExitRecord,
  type JobSpec,
  type SpecInput,
} from '@nightshift/protocol';
import { cancelJob, findJob, findRun, listIterations, listTriedConfigs, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { CurveWatch } from '../fleet/curve-watch.js';
import { startFleet } from '../fleet/fleet.js';
import { exitOf, paperBox, type PaperBox, PAPER_FACTS } from '../testing/paper-box.js';
import { loopDeps } from '../testing/test-loop.js';
import { advance } from './advance.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { loadProposalContext } from './proposal-context.js';
import { submitProposal } from './submit-proposal.js';

const BUDGET_S = 100;
let database: TestDatabase;
let deps: LoopDeps;
const woken: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  deps = loopDeps(database.db, { wake: { run: (id) => void woken.push(id), fleet() {} } });
});
afterAll(() => database.drop());

const BEGAN = Date.parse('2026-01-01T00:00:00Z');
/** The points of a curve that falls towards `end`, two metrics a second, from `from` to `until` seconds after the start. */
function points(end: number, from: number, until: number) {
  const seconds = Array.from({ length: until - from }, (_, i) => from + i);
  return seconds.flatMap((t) => {
    const at = new Date(BEGAN + t * 1000).toISOString();
    return [
      { name: 'train_loss', value: end + 5 / (1 + t / 10), step: t, at },
      { name: 'tokens_per_second', value: 1000, step: t, at },
    ];
  });
}
function ended(metric: number, trainSeconds = BUDGET_S): ExitRecord {
  const startedAt = new Date(BEGAN).toISOString();
  const endedAt = new Date(BEGAN + trainSeconds * 1000).toISOString();
  const phase = { phase: 'train', exitCode: 0, signal: null, durationMs: trainSeconds * 1000 } as const;
  return {
    ...exitOf('completed', metric),
    phases: [{ ...phase, startedAt, endedAt, stoppedBy: [], clock: null }],
  };
}
const stopped = (trainSeconds: number): ExitRecord => ({
  ...ended(0, trainSeconds),
  reason: 'cancelled',
  metric: null,
});

/** What is tried and reverted before each test: nothing is stopped before five configurations are known. */
const TRIED = [2.5, 2.6, 2.7, 2.8];
let tests = 0;
async function world(early: Partial<NonNullable<NonNullable<SpecInput['fidelity']>['earlyStop']>> = {}) {
  const label = `early-${++tests}`;
  const spec: SpecInput = {
    name: 'early',
    source: { path: '/nowhere' },
    metric: { name: 'loss', goal: 'minimize' },
    job: { train: 'true', budget: `${BUDGET_S}s` },
    menu: { knobs: { x: { type: 'int', range: [0, 20], default: 0 } } },
    proposer: { kind: 'external' },
    policy: { repeat: 'replicate' },
    decision: { baselineReplicates: 2, maxReplicates: 2, minImprovement: 0.01 },
    boxes: { labels: [label] },
    fidelity: { earlyStop: { metric: 'train_loss', ...early } },
  };
  const box = await paperBox(deps.db, { labels: [label] });
  const run = await createRun(deps, parseSpec(spec));
  await advance(deps, run.id, { skip: false });
  for (const end of [2, 2.01]) {
    const job = await begin(box);
    await report(box, job, points(end, 0, BUDGET_S));
    await box.finish(job, ended(end));
  }
  await advance(deps, run.id, { skip: false });
  for (const [i, end] of TRIED.entries()) {
    await propose(run, 20 - i);
    const job = await begin(box);
    await report(box, job, points(end, 0, BUDGET_S));
    await box.finish(job, ended(end));
    await advance(deps, run.id, { skip: false });
  }
  return { run, box };
}
async function begin(box: PaperBox): Promise<JobSpec> {
  const job = (await box.take())!;
  await box.begin(job, new Date(BEGAN));
  return job;
}
async function report(box: PaperBox, job: JobSpec, all: ReturnType<typeof points>, seq = 0): Promise<void> {
  for (let i = 0; i < all.length; i += 200) await box.report(job, seq + i, all.slice(i, i + 200));
}
async function propose(run: RunRow, x: number): Promise<void> {
  await submitProposal(deps, run.id, { raw: { knob: 'x', new_value: x, reason: 'a test' } });
  await advance(deps, run.id, { skip: false });
}
async function isAskedToStop(run: RunRow, job: JobSpec): Promise<boolean> {
  await advance(deps, run.id, { skip: false });
  return (await findJob(deps.db, job.jobId))?.cancelRequestedAt != null;
}
const first = async (run: RunRow) => (await listIterations(deps.db, run.id))[TRIED.length];
const events = async (run: RunRow, type: string) =>
  (await settledEvents(deps.db, { runId: run.id, types: [type], limit: 10 })).map((event) => event.payload);

describe('a candidate whose curve is hopeless', () => {
  test('is stopped on its box, failed with figures, and tells what time it saved', async () => {
    const { run, box } = await world();
    await propose(run, 1);
    const job = await begin(box);
    await report(box, job, points(4, 0, 20));
    expect(await isAskedToStop(run, job)).toBe(false);
    await report(box, job, points(4, 20, 43), 40);
    expect(await isAskedToStop(run, job)).toBe(true);
    expect(await events(run, 'job.stopping')).toMatchObject([
      { jobId: job.jobId, iteration: TRIED.length + 1, curves: 2 },
    ]);
    await box.finish(job, stopped(44));
    await advance(deps, run.id, { skip: false });
    expect(await findJob(deps.db, job.jobId)).toMatchObject({ state: 'failed', reason: 'stopped_early', metric: null });
    const iteration = await first(run);
    expect(iteration).toMatchObject({ state: 'failed', failure: 'stopped_early', metric: null, decision: null });
    expect(iteration?.failureDetail).toMatch(
      /^at 4\d% of the budget train_loss 5\.\d+ is worse than every kept curve \(3\.\d+ to 3\.\d+\)$/,
    );
    expect(await events(run, 'iteration.failed')).toMatchObject([
      { failure: 'stopped_early', savedSeconds: 56, detail: iteration?.failureDetail },
    ]);
    // The run goes on, and the configuration counts as tried.
    expect(isTerminalRun((await findRun(deps.db, run.id))!.state)).toBe(false);
    expect(await listTriedConfigs(deps.db, run.id)).toContainEqual(
      expect.objectContaining({ state: 'failed', reason: 'stopped_early', config: { x: 1 } }),
    );
    // To the sampler it is worse than what it was compared with, and not something that does not run.
    const { trials } = await loadProposalContext(deps.db, (await findRun(deps.db, run.id))!, 'none');
    expect(trials.filter((trial) => trial.config.x === 1)).toEqual([
      {
        config: { x: 1 },
        value: expect.closeTo(2.005, 9),
        state: 'censored',
        // Its curve would have ended 81% worse, and as others went on 70%; train_loss is not the run's metric, so that half is in doubt.
        estimate: { value: expect.closeTo(3.41, 1), sd: expect.closeTo(0.7, 1) },
      },
    ]);
  });

  test('counts in full when it ends before the request reaches it', async () => {
    const { run, box } = await world();
    await propose(run, 1);
    const job = await begin(box);
    await report(box, job, points(4, 0, 50));
    expect(await isAskedToStop(run, job)).toBe(true);
    await box.finish(job, ended(1.5));
    await advance(deps, run.id, { skip: false });
    expect(await findJob(deps.db, job.jobId)).toMatchObject({ state: 'succeeded', metric: 1.5 });
    expect((await first(run))?.failure).toBeNull();
  });

  test('fails as what it is when it crashes before the request reaches it', async () => {
    const { run, box } = await world();
    await propose(run, 1);
    const job = await begin(box);
    await report(box, job, points(4, 0, 50));
    expect(await isAskedToStop(run, job)).toBe(true);
    await box.finish(job, exitOf('oom', null));
    await advance(deps, run.id, { skip: false });
    expect((await first(run))?.failure).toBe('oom');
  });

  test('is recorded as stopped early when the infrastructure fails on the way, since the evidence stands', async () => {
    const { run, box } = await world();
    await propose(run, 1);
    const job = await begin(box);
    await report(box, job, points(4, 0, 50));
    expect(await isAskedToStop(run, job)).toBe(true);
    await box.finish(job, exitOf('disk_full', null));
    await advance(deps, run.id, { skip: false });
    expect((await first(run))?.failure).toBe('stopped_early');
  });
});

describe('nothing is stopped', () => {
  test('that is as good as what was kept', async () => {
    const { run, box } = await world();
    await propose(run, 1);
    const job = await begin(box);
    await report(box, job, points(2, 0, 60));
    expect(await isAskedToStop(run, job)).toBe(false);
  });

  test('when the spec does not ask for it, or names a metric that nobody reports', async () => {
    const { run, box } = await world({ metric: 'val_loss' });
    await propose(run, 1);
    const job = await begin(box);
    await report(box, job, points(9, 0, 60));
    expect(await isAskedToStop(run, job)).toBe(false);
  });

  test('that repeats a known configuration', async () => {
    const { run, box } = await world();
    await propose(run, 1);
    const known = await begin(box);
    await report(box, known, points(2.2, 0, BUDGET_S));
    await box.finish(known, ended(2.2));
    await advance(deps, run.id, { skip: false });
    await propose(run, 1);
    const job = await begin(box);
    await report(box, job, points(9, 0, 60));
    expect(await isAskedToStop(run, job)).toBe(false);
  });

  test('by curves from before the box changed', async () => {
    const { run, box } = await world();
    await propose(run, 1);
    const job = await begin(box);
    await box.greet({ gpus: [{ index: 0, name: 'GB10', memoryBytes: 2 ** 37, isUnified: true, driver: '590' }] });
    await report(box, job, points(9, 0, 60));
    expect(await isAskedToStop(run, job)).toBe(false);
  });

  test('early when a person cancels it', async () => {
    const { run, box } = await world();
    await propose(run, 1);
    const job = await begin(box);
    await report(box, job, points(2, 0, 60));
    await deps.db.transaction((tx) => cancelJob(tx, job.jobId, 'cancelled on request'));
    await box.finish(job, stopped(60));
    await advance(deps, run.id, { skip: false });
    expect((await first(run))?.state).toBe('cancelled');
  });
});

test('the median rule stops what never got below the median of the others', async () => {
  const { run, box } = await world({ rule: 'median' });
  await propose(run, 1);
  const job = await begin(box);
  await report(box, job, points(2.9, 0, 50));
  expect(await isAskedToStop(run, job)).toBe(false);
  await box.finish(job, ended(2.9));
  await advance(deps, run.id, { skip: false });
  await propose(run, 2);
  const worse = await begin(box);
  await report(box, worse, points(14, 0, 50));
  expect(await isAskedToStop(run, worse)).toBe(true);
  expect((await findJob(deps.db, worse.jobId))?.detail).toContain('the median of 6 earlier configurations');
});

test('metrics of a candidate wake the loop at most once a second, those of other jobs never', async () => {
  const { run, box } = await world();
  await propose(run, 1);
  const job = await begin(box);
  let nowMs = 0;
  const watch = new CurveWatch(deps, () => nowMs);
  woken.length = 0;
  for (nowMs = 0; nowMs < 3000; nowMs += 100) await watch.reported(job.attemptId);
  expect(woken).toEqual([run.id, run.id, run.id]);
  watch.ended(job.attemptId);
  await watch.reported(job.attemptId);
  expect(woken).toHaveLength(4);
  await database.sql`update jobs set role = 'replicate' where id = ${job.jobId}`;
  const afresh = new CurveWatch(deps, () => nowMs);
  await afresh.reported(job.attemptId);
  expect(woken).toHaveLength(4);
});

test('metrics of a candidate wake the loop, and the stop reaches the box', async () => {
  const { run, box } = await world();
  await propose(run, 1);
  const fleet = startFleet(deps, { sweepMs: 3_600_000, telemetryKeepDays: 14 });
  const sent: ControlFrame[] = [];
  let told: () => void = () => undefined;
  const session = fleet.connect(box.id, {
    send: (text) => {
      sent.push(JSON.parse(text) as ControlFrame);
      told();
    },
    ping() {},
    close() {},
    terminate() {},
  });
  const until = async (type: ControlFrame['type'], n = 1): Promise<void> => {
    while (sent.filter((frame) => frame.type === type).length < n) await new Promise<void>((done) => (told = done));
  };
  try {
    const facts = PAPER_FACTS;
    session.receive(
      JSON.stringify({ type: 'hello', protocol: PROTOCOL_VERSION, facts, attempts: [], dirty: [], freeSlots: 1 }),
    );
    await until('welcome');
    fleet.wake();
    await until('assign');
    const { job } = sent.find((frame) => frame.type === 'assign') as Extract<ControlFrame, { type: 'assign' }>;
    const about = { attemptId: job.attemptId, token: job.token };
    session.receive(JSON.stringify({ type: 'accepted', ...about }));
    session.receive(JSON.stringify({ type: 'phase', ...about, phase: 'train', at: new Date(BEGAN).toISOString() }));
    woken.length = 0;
    const all = points(4, 0, 50);
    for (let seq = 0; seq < all.length; seq += 10)
      session.receive(JSON.stringify({ type: 'metrics', ...about, seq, points: all.slice(seq, seq + 10) }));
    await until('ack', all.length / 10);
    expect(woken).toContain(run.id);
    expect(await isAskedToStop(run, job)).toBe(true);
    fleet.wake();
    await until('cancel');
    expect(sent.find((frame) => frame.type === 'cancel')).toMatchObject({
      ...about,
      detail: expect.stringContaining('of the budget train_loss'),
    });
  } finally {
    fleet.stop();
  }
});
