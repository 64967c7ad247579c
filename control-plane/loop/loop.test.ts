import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpec, type SpecInput } from '@nightshift/protocol';
import { findBoxById, findRun, listIterations, listJobsOfRun, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { drive as driveRun, loopDeps, step } from '../testing/test-loop.js';
import { advance } from './advance.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { loadProposalContext } from './proposal-context.js';
import { propose } from './propose.js';
import { pauseRun, resumeRun, stopRun } from './steer-run.js';
import { submitProposal } from './submit-proposal.js';
import { loadTrajectory } from './trajectory-of-run.js';

const SPEC: SpecInput = {
  name: 'quadratic',
  source: { path: '/nowhere' },
  metric: { name: 'loss', goal: 'minimize', bounds: [0, 100] },
  job: { train: 'true', budget: '1s' },
  menu: {
    knobs: {
      x: { type: 'int', range: [0, 20], default: 0 },
      y: { type: 'float', range: [-1, 1], default: 0.5 },
      mode: { type: 'str', choices: ['a', 'b'], default: 'a' },
    },
    constraints: [{ id: 'small', rule: 'x < 20' }],
  },
  decision: { baselineReplicates: 2, maxReplicates: 2, minImprovement: 0.01 },
  stop: { iterations: 8 },
};
const loss = (config: Record<string, unknown>) =>
  10 + ((config.x as number) - 12) ** 2 / 10 + (config.y as number) ** 2 + (config.mode === 'b' ? 1 : 0);

let database: TestDatabase;
let deps: LoopDeps;
beforeAll(async () => {
  database = await createTestDatabase();
  deps = loopDeps(database.db);
});
afterAll(() => database.drop());

const drive = (run: RunRow, box: PaperBox, measure: Parameters<PaperBox['work']>[0] = loss) =>
  driveRun(deps, run.id, box, measure);
const start = (input: Partial<SpecInput> = {}) => createRun(deps, parseSpec({ ...SPEC, ...input }));

describe('a run', () => {
  test('goes from its baseline through its iterations to completed, measuring nothing twice as new', async () => {
    const box = await paperBox(deps.db);
    const run = await drive(await start(), box);
    expect(run).toMatchObject({ state: 'completed', endReason: 'iterations' });
    const iterations = (await listIterations(deps.db, run.id)).filter((i) => i.state !== 'cancelled');
    expect(iterations).toHaveLength(8);
    expect(new Set(iterations.map((i) => i.configKey)).size).toBe(8);
    expect(iterations.some((i) => i.state === 'kept')).toBe(true);
    expect(loss(run.incumbentConfig)).toBeLessThan(loss(run.baselineConfig));
    const trajectory = await loadTrajectory(deps.db, run);
    expect(trajectory.records).toHaveLength(8);
    expect(trajectory.baseline.values).toHaveLength(2);
  });

  test('has the next proposal ready while a job trains', async () => {
    const box = await paperBox(deps.db);
    const run = await start({ decision: { ...SPEC.decision, baselineReplicates: 1 } });
    await step(deps, run.id);
    await box.work(loss);
    await step(deps, run.id);
    const training = await box.take();
    expect(training).not.toBeNull();
    await step(deps, run.id);
    expect((await listIterations(deps.db, run.id)).map((i) => i.state)).toEqual(['measuring', 'accepted']);
    await stopRun(deps, run.id);
    await step(deps, run.id);
    await box.finish(training!, exitOf('cancelled', null));
    await step(deps, run.id);
    expect((await findRun(deps.db, run.id))?.state).toBe('stopped');
  });

  test('fails with the cause when the baseline cannot be measured', async () => {
    const box = await paperBox(deps.db);
    const run = await drive(await start(), box, () => exitOf('crash', null, 'exit code 1'));
    expect(run).toMatchObject({ state: 'failed', endReason: 'baseline_failed' });
    expect(run.endDetail).toContain('crash');
  });

  test('goes on after candidates that crash, diverge or leave the bounds', async () => {
    const box = await paperBox(deps.db);
    let n = 0;
    const run = await drive(await start(), box, (config, job) => {
      if (job.role === 'baseline') return loss(config);
      n += 1;
      return n === 1
        ? exitOf('crash', null)
        : n === 2
          ? exitOf('completed', Number.NaN)
          : n === 3
            ? 1000
            : loss(config);
    });
    expect(run.state).toBe('completed');
    const failures = (await listIterations(deps.db, run.id)).map((i) => i.failure).filter((f) => f !== null);
    expect(failures).toEqual(['crash', 'diverged', 'metric_out_of_bounds']);
  });

  test('tries a job again after a failure of the infrastructure and does not blame the candidate', async () => {
    const box = await paperBox(deps.db);
    const run = await start({ stop: { iterations: 1 }, decision: { ...SPEC.decision, baselineReplicates: 1 } });
    await step(deps, run.id);
    await box.work(() => exitOf('disk_full', null));
    const [job] = await listJobsOfRun(deps.db, run.id);
    expect(job).toMatchObject({ state: 'queued', attempt: 1, reason: null });
    await database.sql`update jobs set not_before = null where id = ${job!.id}`;
    const ended = await drive(run, box);
    expect(ended.state).toBe('completed');
    expect((await listJobsOfRun(deps.db, run.id))[0]).toMatchObject({ state: 'succeeded', attempt: 2 });
  });

  test('books a disk that candidates fill on the candidates: the box works on, and the sampler learns it', async () => {
    const box = await paperBox(deps.db);
    const why = 'the job wrote 41 GiB of the 40 GiB that were free when training began';
    const filling = (config: Record<string, unknown>) => config.mode === 'b' || (config.x as number) > 6;
    const run = await drive(await start(), box, (config, job) =>
      job.role !== 'baseline' && filling(config) ? exitOf('disk_filled', null, why) : loss(config),
    );
    expect(run).toMatchObject({ state: 'completed', endReason: 'iterations' });
    const failed = (await listIterations(deps.db, run.id)).filter((i) => i.failure !== null);
    expect(failed.length).toBeGreaterThan(2);
    expect(new Set(failed.map((i) => `${i.state} ${i.failure}: ${i.failureDetail}`))).toEqual(
      new Set([`failed disk_filled: ${why}`]),
    );
    const jobs = await listJobsOfRun(deps.db, run.id);
    expect(jobs.filter((job) => job.reason === 'disk_filled').every((job) => job.attempt === 1)).toBe(true);
    expect(await findBoxById(deps.db, box.id)).toMatchObject({ isCordoned: false, infraFailures: 0 });
    const { trials } = await loadProposalContext(deps.db, run, 'none');
    expect(trials.filter((trial) => trial.failure === 'disk_filled')).toHaveLength(failed.length);
  });

  test('ends with the reason when the source itself fills the disk', async () => {
    const box = await paperBox(deps.db);
    const run = await drive(await start(), box, () => exitOf('disk_filled', null, 'the job wrote 41 GiB'));
    expect(run).toMatchObject({ state: 'failed', endReason: 'baseline_failed' });
    expect(run.endDetail).toContain('disk_filled (the job wrote 41 GiB)');
    expect((await findBoxById(deps.db, box.id))?.isCordoned).toBe(false);
  });

  test("fails with its cause when a candidate's job cannot be measured anywhere, however many proposals are under way", async () => {
    const box = await paperBox(deps.db);
    const run = await start({ stop: { iterations: 9 }, decision: { ...SPEC.decision, baselineReplicates: 1 } });
    await step(deps, run.id);
    await box.work(() => 1);
    await step(deps, run.id);
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(await box.work(() => exitOf('sealed_files_changed', null, 'evaluate.py is another'))).not.toBeNull();
      await database.sql`update jobs set not_before = null where run_id = ${run.id}`;
    }
    await step(deps, run.id);
    const ended = await findRun(deps.db, run.id);
    expect(ended).toMatchObject({ state: 'failed', endReason: 'infrastructure' });
    expect(ended?.endDetail).toContain('sealed_files_changed (evaluate.py is another)');
    const states = (await listIterations(deps.db, run.id)).map((iteration) => iteration.state);
    expect(new Set(states)).toEqual(new Set(['cancelled']));
    expect(await box.take()).toBeNull();
  });

  test('takes nothing new while paused, decides what was in flight, and goes on after resume', async () => {
    const box = await paperBox(deps.db);
    const run = await start({ decision: { ...SPEC.decision, baselineReplicates: 1 } });
    await step(deps, run.id);
    await box.work(loss);
    await step(deps, run.id);
    const job = await box.take();
    await pauseRun(deps, run.id);
    await box.finish(job!, exitOf('completed', loss(job!.config)));
    await step(deps, run.id);
    expect(await box.take()).toBeNull();
    const paused = await findRun(deps.db, run.id);
    expect(paused?.state).toBe('paused');
    await resumeRun(deps, run.id);
    expect((await drive(run, box)).state).toBe('completed');
    await expect(pauseRun(deps, run.id)).rejects.toMatchObject({ code: 'illegal_state' });
  });

  test('is driven by an external proposer under the same rails', async () => {
    const box = await paperBox(deps.db);
    const run = await start({ proposer: { kind: 'external' }, stop: { iterations: 2 } });
    await step(deps, run.id);
    await box.work(loss);
    await box.work(loss);
    await step(deps, run.id);
    expect(await box.take()).toBeNull();
    const noop = await submitProposal(deps, run.id, { raw: '{"knob":"x","new_value":0,"reason":"same"}' });
    expect(noop).toMatchObject({ iteration: null, verdict: { verdict: 'block', rail: 'noop' } });
    const good = await submitProposal(deps, run.id, { raw: { knob: 'x', new_value: 12, reason: 'the middle' } });
    expect(good.iteration?.state).toBe('accepted');
    await drive(run, box);
    const kept = (await listIterations(deps.db, run.id))[0];
    expect(kept?.state).toBe('kept');
    const again = await submitProposal(deps, run.id, { raw: { knob: 'x', new_value: 0, reason: 'back' } });
    expect(again.verdict).toMatchObject({ verdict: 'block', rail: 'repeat' });
  });

  test('ends when every legal change has been measured', async () => {
    const box = await paperBox(deps.db);
    const menu = { knobs: { mode: { type: 'str' as const, choices: ['a', 'b', 'c'], default: 'a' } } };
    const run = await drive(await start({ menu }), box, (config) => (config.mode === 'a' ? 1 : 2));
    expect(run).toMatchObject({ state: 'completed', endReason: 'menu_exhausted' });
  });

  test('tells every state change as an event, in order, once', async () => {
    const box = await paperBox(deps.db);
    const run = await drive(await start({ stop: { iterations: 2 } }), box);
    const events = await settledEvents(deps.db, { runId: run.id, limit: 1000 });
    const types = events.map((e) => e.type);
    expect(types[0]).toBe('run.queued');
    expect(types.at(-1)).toBe('run.completed');
    expect(types.filter((t) => /^iteration\.(kept|reverted|inconclusive)$/.test(t))).toHaveLength(2);
    expect(new Set(events.map((e) => e.cursor)).size).toBe(events.length);
  });
});

describe('several boxes', () => {
  // Proposals of one pass are made from the same rows, as concurrent workers make them.
  async function together(
    run: RunRow,
    boxes: PaperBox[],
    measure: Parameters<PaperBox['work']>[0] = loss,
  ): Promise<RunRow> {
    for (let i = 0; i < 100; i++) {
      for (let pass = 0; pass < 5; pass++) {
        const claims = await advance(deps, run.id, { skip: false });
        if (claims.length === 0) break;
        await Promise.all(claims.map((claim) => propose(deps, claim)));
      }
      const current = (await findRun(deps.db, run.id)) as RunRow;
      if (current.endedAt) return current;
      for (const box of boxes) await box.work(measure);
    }
    throw new Error('the run did not end');
  }

  test('measure no configuration twice as if it were new', async () => {
    const boxes = [await paperBox(deps.db), await paperBox(deps.db), await paperBox(deps.db)];
    for (const kind of ['random', 'sampler'] as const) {
      const run = await together(
        await start({ boxes: { parallel: 3 }, proposer: { kind }, stop: { iterations: 15 } }),
        boxes,
      );
      const keys = (await listIterations(deps.db, run.id))
        .filter((i) => i.state !== 'cancelled')
        .map((i) => i.configKey);
      expect(keys).toHaveLength(15);
      expect(new Set(keys).size).toBe(15);
    }
  });

  test('end a run whose menu is exhausted, with every open iteration told', async () => {
    const boxes = [await paperBox(deps.db), await paperBox(deps.db)];
    const menu = { knobs: { mode: { type: 'str' as const, choices: ['a', 'b', 'c'], default: 'a' } } };
    const run = await together(await start({ menu, boxes: { parallel: 3 } }), boxes, (config) =>
      config.mode === 'a' ? 1 : 2,
    );
    expect(run).toMatchObject({ state: 'completed', endReason: 'menu_exhausted' });
    const open = (await listIterations(deps.db, run.id)).filter((i) => i.state === 'cancelled').length;
    expect(await settledEvents(deps.db, { runId: run.id, types: ['iteration.cancelled'], limit: 10 })).toHaveLength(
      open,
    );
  });
});

describe('the wall limit', () => {
  test('ends a run that still waits for a box for its baseline, and tells of the jobs that it takes back', async () => {
    const run = await start({ boxes: { labels: ['no-such-box'] }, stop: { wall: '1h' } });
    await step(deps, run.id);
    await database.sql`update runs set started_at = now() - interval '2 hours' where id = ${run.id}`;
    await step(deps, run.id);
    expect(await findRun(deps.db, run.id)).toMatchObject({ state: 'completed', endReason: 'wall' });
    expect(await settledEvents(deps.db, { runId: run.id, types: ['job.cancelled'], limit: 10 })).toHaveLength(2);
  });
});

describe('two replicas', () => {
  test('on one database decide every iteration once', async () => {
    const box = await paperBox(deps.db);
    const run = await start({ stop: { iterations: 6 } });
    for (let i = 0; i < 100; i++) {
      const claims = (await Promise.all([1, 2, 3].map(() => advance(deps, run.id, { skip: false })))).flat();
      expect(new Set(claims.map((c) => c.iterationId)).size).toBe(claims.length);
      await Promise.all(claims.map((claim) => propose(deps, claim)));
      if ((await findRun(deps.db, run.id))?.endedAt) break;
      await box.work(loss);
    }
    const events = await settledEvents(deps.db, { runId: run.id, limit: 1000 });
    const decided = events
      .filter((e) => /^iteration\.(kept|reverted|inconclusive)$/.test(e.type))
      .map((e) => e.payload.iteration);
    expect(new Set(decided).size).toBe(decided.length);
    expect(decided).toHaveLength(6);
  });

  test('a stale lease cannot store a proposal', async () => {
    const run = await start();
    const [claim] = await advance(deps, run.id, { skip: false });
    if (!claim) {
      const box = await paperBox(deps.db);
      await box.work(loss);
    }
    const [mine] = claim ? [claim] : await advance(deps, run.id, { skip: false });
    await database.sql`update iterations set lease_until = now() - interval '1 second' where id = ${mine!.iterationId}`;
    const [theirs] = await advance(deps, run.id, { skip: false });
    expect(theirs?.iterationId).toBe(mine!.iterationId);
    await propose(deps, mine!);
    expect((await listIterations(deps.db, run.id))[0]?.state).toBe('proposing');
    await propose(deps, theirs!);
    expect((await listIterations(deps.db, run.id))[0]?.state).toBe('accepted');
  });
});
