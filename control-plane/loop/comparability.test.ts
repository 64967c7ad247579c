import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpec, type ExitRecord, type JobSpec, type SpecInput } from '@nightshift/protocol';
import { findJob, findRun, listIterations, listJobsOfRun, updateBox, type JobRow, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { LOST_AFTER_MS } from '../fleet/deps.js';
import { releasePins } from '../fleet/release-pins.js';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { loopDeps } from '../testing/test-loop.js';
import { analyze, liveFigures, type Live } from '../trajectory/index.js';
import { advance } from './advance.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { submitProposal } from './submit-proposal.js';
import { loadTrajectory } from './trajectory-of-run.js';

const SPEC = {
  name: 'fingerprints',
  source: { path: '/nowhere' },
  metric: { name: 'loss', goal: 'minimize', bounds: [0, 1000] },
  job: { train: 'true', budget: '1s' },
  menu: { knobs: { x: { type: 'int', range: [0, 20], default: 0 } } },
  proposer: { kind: 'external' },
  decision: { baselineReplicates: 2, maxReplicates: 2, minImprovement: 0.01 },
  stop: { iterations: 3 },
} satisfies SpecInput;

let database: TestDatabase;
let deps: LoopDeps;
beforeAll(async () => {
  database = await createTestDatabase();
  deps = loopDeps(database.db);
});
afterAll(() => database.drop());

/** Labels keep the boxes of one test from taking the jobs of another. */
let tests = 0;
async function world(boxes: number, input: Partial<SpecInput> = {}) {
  const label = `test-${++tests}`;
  const run = await createRun(deps, parseSpec({ ...SPEC, ...input, boxes: { labels: [label] } }));
  const made: PaperBox[] = [];
  for (let i = 0; i < boxes; i++) made.push(await paperBox(deps.db, { labels: [label] }));
  await advance(deps, run.id, { skip: false });
  return { run, boxes: made, box: made[0] as PaperBox, other: made[1] as PaperBox };
}
type Measure = (config: Record<string, unknown>, job: JobSpec) => number | ExitRecord;
/** One job on this box, and whatever the loop makes of it; the job's role, or null when there was none for it. */
async function work(run: RunRow, box: PaperBox, measure: Measure): Promise<string | null> {
  const job = await box.work(measure);
  await advance(deps, run.id, { skip: false });
  return job?.role ?? null;
}
async function try1(run: RunRow, x: number): Promise<void> {
  const { verdict } = await submitProposal(deps, run.id, { raw: { knob: 'x', new_value: x, reason: 'a test' } });
  expect(verdict.verdict).toBe('pass');
  await advance(deps, run.id, { skip: false });
}
const iteration = async (run: RunRow, number = 1) => (await listIterations(deps.db, run.id))[number - 1];
const fingerprints = async (run: RunRow) => (await listJobsOfRun(deps.db, run.id)).map((job) => job.fingerprint);
const exit = (metric: number, fingerprint: Record<string, string>): ExitRecord => ({
  ...exitOf('completed', metric),
  fingerprint,
});
/** The figures that are kept while the run goes on say what an analysis of its whole trajectory says. */
async function expectLiveLikeBatch({ id }: RunRow): Promise<void> {
  const run = (await findRun(deps.db, id)) as RunRow;
  const live = liveFigures(run.live as Live);
  const batch = analyze(await loadTrajectory(deps.db, run));
  expect(live.noise.degreesOfFreedom).toBe(batch.noise.degreesOfFreedom);
  expect(live.noise.sd).toBeCloseTo(batch.noise.sd ?? NaN, 9);
  expect(live.noise.relative).toBeCloseTo(batch.noise.relative ?? NaN, 9);
  expect([live.keeps.best, live.plateau]).toEqual([batch.keeps.best, batch.plateau]);
}
/** 10 at the default, a fiftieth better for each step of x; noise of half a thousandth. */
const at = (config: Record<string, unknown>, job: JobSpec) =>
  10 - (config['x'] as number) / 5 + ((job.seed % 100) - 50) / 1e4;

describe('measurements of one box', () => {
  test('share a fingerprint, and nothing is measured beyond what a decision needs', async () => {
    const { run, box } = await world(1);
    await work(run, box, at);
    await work(run, box, at);
    await try1(run, 1);
    expect(await work(run, box, at)).toBe('candidate');
    expect((await iteration(run))?.state).toBe('kept');
    const all = await fingerprints(run);
    expect(new Set(all).size).toBe(1);
    expect(all[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{8}$/);
  });
});

describe('a candidate measured on another box than its comparator', () => {
  test('is decided from that box alone: the comparator is measured there, pinned to it', async () => {
    const { run, box, other } = await world(2);
    // The other box is twice as fast, which no proposal can take credit for.
    const fast: Measure = (config, job) => at(config, job) / 2;
    await work(run, box, at);
    await work(run, box, at);
    await try1(run, 1);
    const worse: Measure = (config, job) => fast({ x: -5 * (config['x'] as number) }, job);
    expect(await work(run, other, worse)).toBe('candidate');
    expect((await iteration(run))?.state).toBe('measuring');
    const audit = (await listJobsOfRun(deps.db, run.id)).at(-1) as JobRow;
    expect(audit).toMatchObject({ role: 'audit', state: 'queued', pinnedBoxId: other.id });
    expect(await box.take()).toBeNull();
    expect(await work(run, other, fast)).toBe('audit');
    // 5.5 against the 5.0 measured there; against the 10.0 of the first box it would have been a keep.
    const decided = await iteration(run);
    expect(decided).toMatchObject({ state: 'reverted', decision: { comparatorN: 1, candidateN: 1 } });
    expect(decided?.decision?.comparatorMean).toBeCloseTo(5, 1);
    const trajectory = await loadTrajectory(deps.db, (await findRun(deps.db, run.id)) as RunRow);
    expect(trajectory.records).toMatchObject([{ outcome: 'reverted', values: [expect.closeTo(5.5, 1)] }]);
    await expectLiveLikeBatch(run);
  });

  test('gets its replicates on the box that measured it first', async () => {
    const { run, box, other } = await world(2, { decision: { ...SPEC.decision, baselineReplicates: 1 } });
    await work(run, box, () => 10);
    await try1(run, 3);
    await work(run, box, () => 9.7);
    const replicate = (await listJobsOfRun(deps.db, run.id)).at(-1);
    expect(replicate).toMatchObject({ role: 'replicate', pinnedBoxId: box.id });
    expect(await other.take()).toBeNull();
    expect(await work(run, box, () => 9.7)).toBe('replicate');
  });

  test('ends inconclusive when the comparator cannot be measured there', async () => {
    const { run, box, other } = await world(2);
    await work(run, box, at);
    await work(run, box, at);
    await try1(run, 5);
    await work(run, other, at);
    expect(await work(run, other, () => exitOf('oom', null))).toBe('audit');
    const decided = await iteration(run);
    expect(decided).toMatchObject({ state: 'inconclusive', decision: { comparatorN: 0 } });
    expect(decided?.decision?.reason).toBe('The incumbent has no measurement. Measuring it failed: oom.');
  });
});

describe('a box that drifts', () => {
  const gpu = { index: 0, name: 'NVIDIA GB10', memoryBytes: 2 ** 37, isUnified: true };

  test('by a new driver has its comparator measured again before anything is decided', async () => {
    const { run, box } = await world(1);
    await box.greet({ gpus: [{ ...gpu, driver: '580.1' }] });
    await work(run, box, at);
    await work(run, box, at);
    await box.greet({ gpus: [{ ...gpu, driver: '590.2' }] });
    await try1(run, 1);
    // The new driver makes everything a fifth better: no keep for a candidate that is worse.
    const lifted: Measure = (config, job) => at({ x: config['x'] === 0 ? 0 : -5 }, job) * 0.8;
    expect(await work(run, box, lifted)).toBe('candidate');
    expect(await work(run, box, lifted)).toBe('audit');
    expect((await iteration(run))?.state).toBe('reverted');
    const [a, b, c, d] = await fingerprints(run);
    expect([a === b, b === c, c === d]).toEqual([true, false, true]);
    // The control run serves every later candidate.
    await try1(run, 5);
    expect(await work(run, box, (config, job) => at(config, job) * 0.8)).toBe('candidate');
    expect((await iteration(run, 2))?.state).toBe('kept');
    await expectLiveLikeBatch(run);
  });

  test('by another class of clocks while an iteration is measured has the candidate measured again too', async () => {
    const { run, box } = await world(1, { decision: { ...SPEC.decision, baselineReplicates: 1 } });
    await work(run, box, () => exit(10, { clocks: '2400' }));
    await try1(run, 3);
    await work(run, box, () => exit(9.7, { clocks: '1800' }));
    expect(await work(run, box, () => exit(10, { clocks: '2400' }))).toBe('audit');
    expect(await work(run, box, () => exit(9.7, { clocks: '2400' }))).toBe('replicate');
    const decided = await iteration(run);
    expect(decided).toMatchObject({ state: 'kept', decision: { candidateN: 1, comparatorN: 2 } });
  });

  test('with every measurement ends inconclusive instead of measuring for ever', async () => {
    const { run, box } = await world(1);
    let n = 0;
    const drifting: Measure = (config, job) => exit(at(config, job), { source: String(n++) });
    await work(run, box, drifting);
    await work(run, box, drifting);
    await try1(run, 5);
    const roles: (string | null)[] = [];
    while ((await iteration(run))?.state === 'measuring') roles.push(await work(run, box, drifting));
    expect(roles).toEqual(['candidate', 'audit', 'replicate', 'audit']);
    const decided = await iteration(run);
    expect(decided?.state).toBe('inconclusive');
    expect(decided?.decision?.reason).toContain('changed 3 times');
  });
});

describe('a pin', () => {
  async function pinned() {
    const { run, box, other } = await world(2);
    await work(run, box, at);
    await work(run, box, at);
    await try1(run, 5);
    await work(run, other, at);
    const audit = (await listJobsOfRun(deps.db, run.id)).at(-1) as JobRow;
    expect(audit.pinnedBoxId).toBe(other.id);
    return { run, box, other, audit };
  }
  const pinOf = async (job: JobRow) => (await findJob(deps.db, job.id))?.pinnedBoxId;

  test('to a box that was removed is released, and the decision is then made where the job ran', async () => {
    const { run, box, other, audit } = await pinned();
    expect(await releasePins(deps.db, new Date())).toEqual([]);
    await updateBox(deps.db, other.id, { removedAt: new Date() });
    expect(await releasePins(deps.db, new Date())).toEqual([run.id]);
    expect(await pinOf(audit)).toBeNull();
    const [event] = await settledEvents(deps.db, { runId: run.id, types: ['job.unpinned'], limit: 10 });
    expect(event?.payload).toMatchObject({ jobId: audit.id, why: 'the box was removed' });
    expect(await work(run, box, at)).toBe('audit');
    const again = (await listJobsOfRun(deps.db, run.id)).at(-1);
    expect(again).toMatchObject({ role: 'replicate', pinnedBoxId: box.id });
    await work(run, box, at);
    expect(await iteration(run)).toMatchObject({ state: 'kept', decision: { comparatorN: 3, candidateN: 1 } });
  });

  test('to a silent box holds for a while and is then released', async () => {
    const { run, other, audit } = await pinned();
    await database.sql`update boxes set state = 'unreachable' where id = ${other.id}`;
    const later = (ms: number) => new Date(Date.now() + ms);
    expect(await releasePins(deps.db, later(LOST_AFTER_MS - 60_000))).toEqual([]);
    expect(await pinOf(audit)).toBe(other.id);
    expect(await releasePins(deps.db, later(LOST_AFTER_MS + 60_000))).toEqual([run.id]);
    expect(await pinOf(audit)).toBeNull();
  });

  test('to a box that a person has set aside is released when the job has waited long', async () => {
    const { run, other } = await pinned();
    await updateBox(deps.db, other.id, { isCordoned: true });
    expect(await releasePins(deps.db, new Date())).toEqual([]);
    expect(await releasePins(deps.db, new Date(Date.now() + LOST_AFTER_MS + 60_000))).toEqual([run.id]);
  });
});

describe('with compare: baseline', () => {
  test('a keep on another box becomes the incumbent by its gain over the baseline there', async () => {
    const { run, box, other } = await world(2, { decision: { ...SPEC.decision, compare: 'baseline' } });
    await work(run, box, at);
    await work(run, box, at);
    await try1(run, 5);
    await work(run, box, at);
    expect((await findRun(deps.db, run.id))?.incumbentIteration).toBe(1);
    // Half of everything: 4.8 is the best number of the run and the smaller gain.
    const fast: Measure = (config, job) => at(config, job) / 2;
    await try1(run, 2);
    await work(run, other, fast);
    await work(run, other, fast);
    expect((await iteration(run, 2))?.state).toBe('kept');
    expect((await findRun(deps.db, run.id))?.incumbentIteration).toBe(1);
  });
});
