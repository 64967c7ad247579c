import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpec, type ExitRecord, type JobSpec, type SpecInput } from '@nightshift/protocol';
import {
  findRun,
  listIterations,
  listJobsOfRun,
  listMeasurements,
  listScreened,
  listTriedConfigs,
  type IterationRow,
  type JobRow,
  type RunRow,
} from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { analyze, liveFigures, type Live } from '../trajectory/index.js';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { loopDeps } from '../testing/test-loop.js';
import { advance } from './advance.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { takeSource } from '../fleet/take-source.js';
import { loadProposalContext } from './proposal-context.js';
import { propose } from './propose.js';
import { sendSlipBack } from './send-slip-back.js';
import { submitProposal } from './submit-proposal.js';
import { loadTrajectory } from './trajectory-of-run.js';

let database: TestDatabase;
let deps: LoopDeps;
beforeAll(async () => {
  database = await createTestDatabase();
  deps = loopDeps(database.db);
});
afterAll(() => database.drop());

const BUDGET_S = 100;
const CHEAP_S = 20;
const isCheap = (job: JobSpec) => job.role === 'screen';
/** Trained for its whole budget. */
function ended(job: JobSpec, metric: number): ExitRecord {
  const at = new Date(0).toISOString();
  const phase = {
    phase: 'train',
    exitCode: 0,
    signal: null,
    durationMs: job.budgetMs,
    stoppedBy: [],
    clock: null,
  } satisfies Partial<ExitRecord['phases'][number]>;
  return { ...exitOf('completed', metric), energyWh: 1, phases: [{ ...phase, startedAt: at, endedAt: at }] };
}
/** What a configuration gives: the loss falls to `2 + x / 100`, and stands at one and a half times that at the cheap budget. */
const truth = (job: JobSpec) => (2 + Number(job.config.x) / 100) * (isCheap(job) ? 1.5 : 1);

let tests = 0;
async function world(
  screen: Partial<NonNullable<NonNullable<SpecInput['fidelity']>['screen']>> = {},
  more: Partial<SpecInput> = {},
) {
  const label = `screen-${++tests}`;
  const box = await paperBox(deps.db, { labels: [label] });
  const run = await createRun(
    deps,
    parseSpec({
      name: 'screen',
      source: { path: '/nowhere' },
      metric: { name: 'loss', goal: 'minimize' },
      job: { train: 'true', budget: `${BUDGET_S}s`, limit: '300s' },
      menu: { knobs: { x: { type: 'int', range: [-100, 100], default: 0 } } },
      proposer: { kind: 'external' },
      decision: { baselineReplicates: 2, maxReplicates: 2, minImprovement: 0.01 },
      boxes: { labels: [label] },
      fidelity: { screen: { budget: `${CHEAP_S}s`, ...screen } },
      ...more,
    }),
  );
  await advance(deps, run.id, { skip: false });
  return { run, box };
}
/** Works until nothing waits; gives the roles of the jobs in the order in which they ran. */
async function work(
  run: RunRow,
  box: PaperBox,
  measure: (job: JobSpec) => number | ExitRecord = truth,
): Promise<string[]> {
  const roles: string[] = [];
  for (;;) {
    await advance(deps, run.id, { skip: false });
    const job = await box.work((_config, spec) => {
      const result = measure(spec);
      return typeof result === 'number' ? ended(spec, result) : result;
    });
    if (!job) return roles;
    roles.push(job.role);
  }
}
async function tryOut(run: RunRow, box: PaperBox, x: number, measure?: (job: JobSpec) => number | ExitRecord) {
  const { verdict } = await submitProposal(deps, run.id, { raw: { knob: 'x', new_value: x, reason: 'a test' } });
  expect(verdict.verdict).toBe('pass');
  return work(run, box, measure);
}
/** Five candidates at both budgets: from then on one may be given up. */
const WARM_UP = [20, 30, 10, 25, 15];
async function warm(run: RunRow, box: PaperBox) {
  await work(run, box);
  for (const x of WARM_UP) await tryOut(run, box, x);
}
const newest = async (run: RunRow) => (await listIterations(deps.db, run.id)).at(-1)!;
const now = async (run: RunRow) => (await findRun(deps.db, run.id))!;
const events = async (run: RunRow, type: string) =>
  (await settledEvents(deps.db, { runId: run.id, types: [type], limit: 50 })).map((event) => event.payload);

describe('a candidate that is hopeless at the cheap budget', () => {
  test('never gets the full one, and is recorded as screened out with figures and the seconds saved', async () => {
    const { run, box } = await world();
    await warm(run, box);
    expect(await tryOut(run, box, 40)).toEqual(['screen']);
    const iteration = await newest(run);
    expect(iteration).toMatchObject({ state: 'screened_out', metric: null, decision: null, failure: null });
    expect(iteration.screening).toMatchObject({
      outcome: 'screened_out',
      comparatorN: 1,
      pairs: 5,
      trainedSeconds: CHEAP_S,
      savedSeconds: BUDGET_S - CHEAP_S,
    });
    expect(iteration.screening?.effect).toBeCloseTo(-0.2, 9);
    expect(iteration.screening?.reason).toMatch(/^20% worse than its comparator at the cheap budget, beyond noise/);
    expect(await events(run, 'iteration.screened_out')).toMatchObject([
      { iteration: 6, savedSeconds: 80, screening: { outcome: 'screened_out' }, proposal: { knob: 'x', newValue: 40 } },
    ]);
  });

  test('is no measurement: not in means or noise, counted once in iterations, and its energy is paid', async () => {
    const { run, box } = await world();
    await warm(run, box);
    await tryOut(run, box, 40);
    const measured = await listMeasurements(deps.db, run.id);
    expect(measured.map((row) => row.metric)).toEqual([2, 2, 2.2, 2.3, 2.1, 2.25, 2.15]);
    expect(new Set(measured.map((row) => row.fingerprint)).size).toBe(1);
    const trajectory = await loadTrajectory(deps.db, await now(run));
    expect(trajectory.records).toHaveLength(6);
    expect(trajectory.records.at(-1)).toMatchObject({ outcome: 'screened_out', values: [], metric: null, energyWh: 1 });
    expect(trajectory.records[0]).toMatchObject({ outcome: 'reverted', values: [2.2], energyWh: 3 });
    expect(liveFigures((await now(run)).live as Live)).toMatchObject({
      iterations: 6,
      evaluated: 5,
      failed: 0,
      screenedOut: 1,
    });
  });

  test('reaches the sampler as worse than what it was compared with, and not as a failure', async () => {
    const { run, box } = await world();
    await warm(run, box);
    await tryOut(run, box, 40);
    const context = await loadProposalContext(deps.db, await now(run), 'none');
    expect(context.trials.at(-1)).toEqual({
      config: { x: 40 },
      value: 2,
      state: 'censored',
      estimate: { value: expect.closeTo(2.4, 3), sd: expect.closeTo(0, 3) },
    });
    expect([...context.tried]).toContain('[["x",40]]');
    expect(context.gate.measured('[["x",40]]')).toBe(false);
  });

  test('may be proposed again, and is then measured in full without another screening', async () => {
    const { run, box } = await world();
    await warm(run, box);
    await tryOut(run, box, 40);
    expect(await tryOut(run, box, 40)).toEqual(['candidate']);
    expect(await newest(run)).toMatchObject({ state: 'reverted', screening: null });
    const context = await loadProposalContext(deps.db, await now(run), 'none');
    expect(context.trials.filter((trial) => trial.config.x === 40)).toEqual([
      { config: { x: 40 }, value: 2.4, n: 1, state: 'complete' },
    ]);
  });
});

describe('screening', () => {
  test('trains what a candidate is compared with for the cheap budget once, and measures the first candidates at both', async () => {
    const { run, box } = await world();
    expect(await work(run, box)).toEqual(['baseline', 'baseline']);
    expect(await tryOut(run, box, 20)).toEqual(['screen', 'screen', 'candidate']);
    expect(await tryOut(run, box, 30)).toEqual(['screen', 'candidate']);
    const cheap = (await listJobsOfRun(deps.db, run.id)).filter((job) => job.role === 'screen');
    expect(cheap.map((job) => [job.config.x, job.replicate])).toEqual([
      [20, 1],
      [0, 2],
      [30, 1],
    ]);
    expect((await newest(run)).screening).toMatchObject({ outcome: 'passed', pairs: 1, savedSeconds: null });
    expect(await events(run, 'iteration.screened')).toHaveLength(2);
  });

  test('gives a job the cheap budget, as much time around it as a full one, and the seeds of full ones as they were', async () => {
    const { run, box } = await world();
    await work(run, box);
    const jobs: JobSpec[] = [];
    await tryOut(run, box, 20, (job) => {
      jobs.push(job);
      return truth(job);
    });
    expect(jobs.map(({ role, budgetMs, limitMs }) => [role, budgetMs, limitMs])).toEqual([
      ['screen', 20_000, 220_000],
      ['screen', 20_000, 220_000],
      ['candidate', 100_000, 300_000],
    ]);
    expect(jobs[2]?.seed).toBe(jobs[0]?.seed);
  });

  test('lets a better candidate through to be kept, which is then what others are compared with', async () => {
    const { run, box } = await world();
    await warm(run, box);
    expect(await tryOut(run, box, -20)).toEqual(['screen', 'candidate']);
    expect(await newest(run)).toMatchObject({ state: 'kept' });
    // Its own cheap training stands for the new incumbent: nothing is trained again for that.
    expect(await tryOut(run, box, 12)).toEqual(['screen']);
    expect((await newest(run)).screening).toMatchObject({ outcome: 'screened_out', comparatorN: 1 });
  });

  test('fails a candidate that crashes at the cheap budget, and tells nothing by one that has no number there', async () => {
    const { run, box } = await world();
    await warm(run, box);
    expect(await tryOut(run, box, 40, () => exitOf('oom', null))).toEqual(['screen']);
    expect(await newest(run)).toMatchObject({ state: 'failed', failure: 'oom' });
    const silent = (job: JobSpec) => (isCheap(job) ? exitOf('no_metric', null) : truth(job));
    expect(await tryOut(run, box, 41, silent)).toEqual(['screen', 'candidate']);
    expect(await newest(run)).toMatchObject({ state: 'reverted', screening: { outcome: 'unknown', effect: null } });
    const tried = await listTriedConfigs(deps.db, run.id);
    expect(tried.filter((row) => row.config.x === 40)).toMatchObject([{ state: 'failed', reason: 'oom' }]);
    expect(tried.filter((row) => row.config.x === 41)).toMatchObject([{ state: 'complete' }]);
  });

  test('turns itself off with an event when what it compares with gives no number at the cheap budget', async () => {
    const { run, box } = await world();
    await work(run, box);
    const silent = (job: JobSpec) => (isCheap(job) && job.config.x === 0 ? exitOf('no_metric', null) : truth(job));
    expect(await tryOut(run, box, 20, silent)).toEqual(['screen', 'screen', 'candidate']);
    expect(await events(run, 'run.screening_off')).toMatchObject([{ why: expect.stringContaining('no_metric') }]);
    expect(await tryOut(run, box, 30)).toEqual(['candidate']);
  });

  test('turns itself off when the cheap budget ranks unlike the full one, and what it gave up counts as untried again', async () => {
    const { run, box } = await world();
    await warm(run, box);
    await tryOut(run, box, 40);
    // From here on what looks better at the cheap budget ends worse.
    const contrary = (job: JobSpec) => (isCheap(job) ? 3 - Number(job.config.x) / 100 : truth(job));
    for (const x of [50, 60, 70, 80, 90]) expect(await tryOut(run, box, x, contrary)).toEqual(['screen', 'candidate']);
    expect(await tryOut(run, box, 95, contrary)).toEqual(['candidate']);
    expect((await now(run)).screeningOff).toMatch(
      /^the cheap budget ranks candidates unlike the full one: rank correlation -?0\.\d\d over 10$/,
    );
    expect(await events(run, 'run.screening_off')).toHaveLength(1);
    const context = await loadProposalContext(deps.db, await now(run), 'none');
    expect(context.trials.filter((trial) => trial.state === 'censored')).toEqual([]);
    expect(context.tried.has('[["x",40]]')).toBe(false);
  });

  test('compares on one box only: another one trains the comparator for the cheap budget again', async () => {
    const { run, box } = await world({}, { boxes: { labels: [] } });
    await database.sql`update runs set spec = jsonb_set(spec, '{boxes,labels}', '["two"]') where id = ${run.id}`;
    await database.sql`update boxes set labels = array['two'] where id = ${box.id}`;
    await warm(run, box);
    await database.sql`update boxes set labels = array['gone'] where id = ${box.id}`;
    const other = await paperBox(deps.db, { labels: ['two'] });
    expect(await tryOut(run, other, 40)).toEqual(['screen', 'screen']);
    expect(await newest(run)).toMatchObject({ state: 'screened_out', screening: { comparatorN: 1 } });
  });

  test('is no measured iteration to a plateau, however many there are', async () => {
    const { run, box } = await world({}, { stop: { plateau: 6 } });
    await warm(run, box);
    for (const x of [40, 41, 42]) expect(await tryOut(run, box, x)).toEqual(['screen']);
    expect((await now(run)).state).toBe('running');
    await tryOut(run, box, 12);
    expect((await newest(run)).state).toBe('screened_out');
    await tryOut(run, box, 1);
    expect(await now(run)).toMatchObject({ state: 'completed', endReason: 'plateau' });
  });

  test('that costs too much is told in full measurements of this run, as what it saves is', async () => {
    const { run, box } = await world();
    await work(run, box);
    // Training ends long before its budget: a cheap one is two thirds of a full one.
    const early = (job: JobSpec) => ended({ ...job, budgetMs: Math.min(job.budgetMs, 30_000) }, truth(job));
    await database.sql`update attempts set exit = jsonb_set(exit, '{phases,0,durationMs}', '30000')
      where job_id in (select id from jobs where run_id = ${run.id})`;
    for (const x of [20, 30, 10, 25]) await tryOut(run, box, x, early);
    expect((await now(run)).screeningOff).toBeNull();
    expect(await tryOut(run, box, 15, early)).toEqual(['candidate']);
    expect((await now(run)).screeningOff).toBe('it has cost 3.3 full measurements more than it has saved');
  });

  test('begins no full measurement after a stop condition holds, and the run ends', async () => {
    const { run, box } = await world({}, { stop: { wall: '1h' } });
    await work(run, box);
    await submitProposal(deps, run.id, { raw: { knob: 'x', new_value: 20, reason: 'a test' } });
    await advance(deps, run.id, { skip: false });
    await database.sql`update runs set started_at = now() - interval '2 hours' where id = ${run.id}`;
    expect(await work(run, box)).toEqual([]);
    expect((await now(run)).state).toBe('completed');
    expect((await newest(run)).state).toBe('cancelled');
  });

  test('is off unless the spec asks for it, and a repeat of a known configuration is never screened', async () => {
    const { run, box } = await world({}, { fidelity: {} });
    await work(run, box);
    expect(await tryOut(run, box, 20)).toEqual(['candidate']);
    const again = await world({}, { policy: { repeat: 'replicate' } });
    await warm(again.run, again.box);
    expect(await tryOut(again.run, again.box, 20)).toEqual(['candidate']);
  });
});

describe('a whole run', () => {
  test('of the sampler on two boxes at once screens, never comes back to what was given up, and ends', async () => {
    const label = 'screen-sampler';
    const boxes = [await paperBox(deps.db, { labels: [label] }), await paperBox(deps.db, { labels: [label] })];
    const run = await createRun(
      deps,
      parseSpec({
        name: 'screen-sampler',
        source: { path: '/nowhere' },
        metric: { name: 'loss', goal: 'minimize' },
        job: { train: 'true', budget: '100s' },
        menu: {
          knobs: {
            x: { type: 'float', range: [0, 1], default: 0.5 },
            y: { type: 'float', range: [0, 1], default: 0.5 },
          },
        },
        decision: { baselineReplicates: 2, maxReplicates: 2, minImprovement: 0.01 },
        boxes: { labels: [label], parallel: 2 },
        stop: { iterations: 24 },
        fidelity: { screen: { budget: '10s' } },
      }),
    );
    const measure = (job: JobSpec) => {
      const [x, y] = [Number(job.config.x), Number(job.config.y)];
      const noise = 1 + (((job.seed % 1000) / 1000 - 0.5) * 4) / 1000;
      return ended(job, (1 + (x - 0.3) ** 2 * 3 + (y - 0.6) ** 2) * noise * (isCheap(job) ? 1.4 : 1));
    };
    for (let idle = 0; idle < 3;) {
      for (const claim of await advance(deps, run.id, { skip: false })) await propose(deps, claim);
      const worked = await Promise.all(boxes.map((box) => box.work((_config, job) => measure(job))));
      idle = worked.some((job) => job !== null) ? 0 : idle + 1;
    }
    expect(await now(run)).toMatchObject({ state: 'completed', endReason: 'iterations' });
    const iterations = await listIterations(deps.db, run.id);
    expect(iterations).toHaveLength(24);
    expect(iterations.filter((iteration) => iteration.state === 'screened_out').length).toBeGreaterThan(0);
    expect(new Set(iterations.map((iteration) => iteration.configKey)).size).toBe(24);
    const { screening } = analyze(await loadTrajectory(deps.db, await now(run)));
    expect(screening?.cheapSeconds).toBe(
      10 * (await listJobsOfRun(deps.db, run.id)).filter((job) => job.role === 'screen').length,
    );
  });

  test('of code mode forgets what a patch gave at the cheap budget when its crash is sent back, but not what it cost', async () => {
    const { run, box } = await world();
    await work(run, box);
    await submitProposal(deps, run.id, { raw: { knob: 'x', new_value: 20, reason: 'a test' } });
    await work(run, box, (job) => (job.role === 'candidate' ? exitOf('crash', null) : truth(job)));
    const iteration = await newest(run);
    expect(iteration.screening).not.toBeNull();
    // As it stood before its crash was decided, with a model's patch instead of a person's change.
    await database.sql`update iterations set state = 'measuring', ended_at = null, failure = null, proposer = 'model',
      patch = '{"summary": "a patch"}' where id = ${iteration.id}`;
    const edit = {
      files: ['train.py'],
      sealed: [],
      artifacts: [],
      maxChangedLines: 10,
      allow: [],
      repairs: 1,
      probeMs: null,
      share: 1,
    };
    const coded = { ...run, spec: { ...run.spec, edit } } as RunRow;
    const failed = (await listJobsOfRun(deps.db, run.id)).find((job) => job.reason === 'crash') as JobRow;
    const slip = { ...failed, detail: "NameError: name 'rte' is not defined" };
    const crashed = (await newest(run)) as IterationRow;
    expect(await deps.db.transaction((tx) => sendSlipBack(tx, coded, crashed, slip))).toBe(true);
    expect(await newest(run)).toMatchObject({ state: 'proposing', repairs: 1, screening: null });
    expect(await listScreened(deps.db, run.id)).toEqual([]);
    expect(analyze(await loadTrajectory(deps.db, await now(run))).screening).toMatchObject({
      screened: 0,
      cheapSeconds: 2 * CHEAP_S,
    });
  });

  test('of code mode screens patches, with their files on the box', async () => {
    const base = { path: 'train.mjs', content: 'const rate = 1;\n' };
    const box = await paperBox(deps.db, { labels: ['screen-code'] });
    const run = await createRun(
      deps,
      parseSpec({
        name: 'screen-code',
        source: { path: '/nowhere' },
        metric: { name: 'loss', goal: 'minimize' },
        job: { train: 'node train.mjs', evaluate: 'node evaluate.mjs', budget: '100s' },
        edit: { files: ['train.mjs'], sealed: ['evaluate.mjs'] },
        proposer: { kind: 'external' },
        decision: { baselineReplicates: 2, maxReplicates: 1, minImprovement: 0.01 },
        boxes: { labels: ['screen-code'] },
        fidelity: { screen: { budget: '20s' } },
      }),
    );
    const rateOf = (job: JobSpec) => Number(/rate = ([\d.]+)/.exec((job.overlay?.[0] ?? base).content)?.[1]);
    const measure = (job: JobSpec) => (100 - 10 * rateOf(job)) * (isCheap(job) ? 1.5 : 1);
    await advance(deps, run.id, { skip: false });
    const first = (await box.take()) as JobSpec;
    const { attemptId, token } = first;
    await takeSource(deps.db, box.id, {
      type: 'source',
      attemptId,
      token,
      files: [base],
      sealed: [],
      baseCommit: null,
    });
    await box.finish(first, ended(first, measure(first)));
    await work(run, box, measure);
    const patch = async (rate: number) => {
      const block = `train.mjs\n<<<<<<< SEARCH\nconst rate = 1;\n=======\nconst rate = ${rate};\n>>>>>>> REPLACE\n`;
      const { verdict } = await submitProposal(deps, run.id, { patch: `REASON: a test\n\n${block}` });
      expect(verdict).toEqual({ verdict: 'pass' });
      return work(run, box, measure);
    };
    expect(await patch(0.9)).toEqual(['screen', 'screen', 'candidate']);
    for (const rate of [0.8, 0.95, 0.85, 0.75]) expect(await patch(rate)).toEqual(['screen', 'candidate']);
    expect(await patch(0.3)).toEqual(['screen']);
    expect(await newest(run)).toMatchObject({ state: 'screened_out', commitId: null });
    expect(await patch(0.3)).toEqual(['candidate']);
    expect(await newest(run)).toMatchObject({ state: 'reverted' });
  });
});
