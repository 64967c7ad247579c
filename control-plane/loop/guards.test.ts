import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpec, type SpecInput } from '@nightshift/protocol';
import { findRun, listIterations, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { takeSource } from '../fleet/take-source.js';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { loopDeps } from '../testing/test-loop.js';
import { advance } from './advance.js';
import { askFor } from './ask.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { loadProposalContext } from './proposal-context.js';
import { submitProposal } from './submit-proposal.js';
import { loadTrajectory } from './trajectory-of-run.js';

let database: TestDatabase;
let deps: LoopDeps;
beforeAll(async () => {
  database = await createTestDatabase();
  deps = loopDeps(database.db);
});
afterAll(() => database.drop());

let tests = 0;
/** A run whose jobs report peak_gb twice before they end with their loss. */
async function guarded(guard: SpecInput['guard']) {
  const label = `guard-${++tests}`;
  const spec: SpecInput = {
    name: 'guarded',
    source: { path: '/nowhere' },
    metric: { name: 'loss', goal: 'minimize' },
    job: { train: 'true', budget: '1s' },
    menu: { knobs: { x: { type: 'int', range: [0, 20], default: 0 } } },
    proposer: { kind: 'external' },
    decision: { baselineReplicates: 2, maxReplicates: 2, minImprovement: 0.01 },
    boxes: { labels: [label] },
    guard,
  };
  const box = await paperBox(deps.db, { labels: [label] });
  const run = await createRun(deps, parseSpec(spec));
  await advance(deps, run.id, { skip: false });
  await measure(box, 10, 30);
  await measure(box, 10.01, 32);
  await advance(deps, run.id, { skip: false });
  await submitProposal(deps, run.id, { raw: { knob: 'x', new_value: 1, reason: 'a test' } });
  await advance(deps, run.id, { skip: false });
  return { run, box };
}
async function measure(box: PaperBox, loss: number, peakGb: number | null): Promise<void> {
  const job = (await box.take())!;
  await box.begin(job);
  const other = { name: 'loss', value: loss };
  if (peakGb !== null)
    await box.report(job, 0, [{ name: 'peak_gb', value: 1 }, other, { name: 'peak_gb', value: peakGb }, other]);
  await box.finish(job, exitOf('completed', loss));
}
async function outcome(run: RunRow) {
  await advance(deps, run.id, { skip: false });
  const [iteration] = await listIterations(deps.db, run.id);
  const types = ['iteration.kept', 'iteration.reverted'];
  const [event] = await settledEvents(deps.db, { runId: run.id, types, limit: 10 });
  return { iteration, event, run: await findRun(deps.db, run.id) };
}

describe('a keep', () => {
  test('that holds its guards is a keep', async () => {
    const { run, box } = await guarded([{ name: 'peak_gb', max: 40, maxRegression: 0.1 }]);
    await measure(box, 9, 33);
    const { iteration, event } = await outcome(run);
    expect(iteration?.state).toBe('kept');
    expect(event?.payload).not.toHaveProperty('guards');
  });

  test('that breaks a guard is a revert that names it, and no incumbent', async () => {
    const { run, box } = await guarded([{ name: 'peak_gb', maxRegression: 0.1 }]);
    await measure(box, 9, 35);
    const { iteration, event, run: after } = await outcome(run);
    expect(iteration).toMatchObject({ state: 'reverted', decision: { outcome: 'revert' } });
    expect(iteration?.decision?.reason).toMatch(
      /^Reverted by a guard: peak_gb 35 is more than 10% worse than the 31 it is compared with\. By loss alone it would have been kept: /,
    );
    expect(event).toMatchObject({
      type: 'iteration.reverted',
      payload: { guards: [{ name: 'peak_gb', rule: 'maxRegression', value: 35, comparator: 31 }] },
    });
    expect(after?.incumbentIteration).toBeNull();
  });

  test('whose guard metric was never reported is a revert', async () => {
    const { run, box } = await guarded([{ name: 'peak_gb', max: 40 }]);
    await measure(box, 9, null);
    const { iteration } = await outcome(run);
    expect(iteration?.state).toBe('reverted');
    expect(iteration?.decision?.reason).toContain('peak_gb was not reported by the candidate');
  });
});

test('a guard that the baseline itself breaks, or that nothing reports, is told before anything is tried', async () => {
  const told = async (guard: SpecInput['guard']) => {
    const { run } = await guarded(guard);
    const [event] = await settledEvents(deps.db, { runId: run.id, types: ['run.guards_broken'], limit: 10 });
    return { reasons: event?.payload['reasons'], warnings: (await loadTrajectory(deps.db, run)).warnings };
  };
  expect(await told([{ name: 'peak_gb', max: 40, maxRegression: 0.1 }])).toEqual({ reasons: undefined, warnings: [] });
  const reasons = ['peak_gb 31 is above its max 20', 'peak_mb was not reported by the baseline'];
  expect(
    await told([
      { name: 'peak_gb', max: 20 },
      { name: 'peak_mb', maxRegression: 0.1, goal: 'minimize' },
    ]),
  ).toEqual({
    reasons,
    warnings: [`The baseline itself breaks a guard (${reasons.join('; ')}): no change that does is kept.`],
  });
});

test('a candidate that is no better is reverted for that, whatever its guards', async () => {
  const { run, box } = await guarded([{ name: 'peak_gb', max: 40 }]);
  await measure(box, 12, 90);
  const { iteration, event } = await outcome(run);
  expect(iteration?.state).toBe('reverted');
  expect(iteration?.decision?.reason).not.toContain('guard');
  expect(event?.payload).not.toHaveProperty('guards');
});

test('the sampler hears of every limit and what was measured of it, and a prompt names what broke one', async () => {
  const { run, box } = await guarded([{ name: 'peak_gb', max: 34, maxRegression: 0.1 }]);
  await measure(box, 12, 35);
  await outcome(run);
  const row = (await findRun(deps.db, run.id)) as RunRow;
  const { trials } = await loadProposalContext(deps.db, row, '', 'front');
  const readings = (value: number) =>
    [34, 31 + 0.1 * 31].map((limit) => ({ name: 'peak_gb', bound: 'max', limit: expect.closeTo(limit, 9), value }));
  // No better by its metric, so that no guard was asked for its decision: it is one that breaks them all the same.
  expect(trials).toMatchObject([
    { config: { x: 0 }, state: 'complete', guards: readings(31) },
    { config: { x: 1 }, state: 'complete', value: 12, guards: readings(35) },
  ]);
  const prompt = (await askFor(deps.db, row, 'menu')).messages.map(({ content }) => content).join('\n');
  expect(prompt).toContain('guards, without which nothing is kept: peak_gb at most 34; peak_gb at most 34.1');
  expect(prompt).toContain('breaks guard peak_gb 35, above 34; peak_gb 35, above 34.1');
  expect(prompt).toContain('guard peak_gb (at most 34): broken by 1 of 2 measured');
});

describe('a guard of edited code with an evaluator', () => {
  const file = { path: 'train.mjs', content: 'const steps = 10;\n' };
  /** The candidate's training prints a flattering peak_gb; its evaluator reports what is given, or nothing. */
  async function evaluated(peakGb: number | null) {
    const label = `guard-${++tests}`;
    const box = await paperBox(deps.db, { labels: [label] });
    const spec: SpecInput = {
      name: 'guarded-code',
      source: { path: '/nowhere' },
      metric: { name: 'loss', goal: 'minimize' },
      job: { train: 'node train.mjs', evaluate: 'node evaluate.mjs', budget: '1s' },
      edit: { files: [file.path], sealed: ['evaluate.mjs'] },
      proposer: { kind: 'external' },
      decision: { baselineReplicates: 2, maxReplicates: 2, minImprovement: 0.01 },
      boxes: { labels: [label] },
      guard: [{ name: 'peak_gb', max: 40 }],
    };
    const run = await createRun(deps, parseSpec(spec));
    await advance(deps, run.id, { skip: false });
    const job = (await box.take())!;
    const about = { attemptId: job.attemptId, token: job.token };
    await takeSource(deps.db, box.id, { type: 'source', ...about, baseCommit: null, files: [file], sealed: [] });
    await box.begin(job);
    await box.finish(job, { ...exitOf('completed', 10), reported: { loss: 10, peak_gb: 30 } });
    await box.work(() => ({ ...exitOf('completed', 10.01), reported: { loss: 10.01, peak_gb: 30 } }));
    await advance(deps, run.id, { skip: false });
    const patch = `${file.path}\n<<<<<<< SEARCH\nconst steps = 10;\n=======\nconst steps = 20;\n>>>>>>> REPLACE\n`;
    await submitProposal(deps, run.id, { patch: `REASON: a test\n\n${patch}` });
    await advance(deps, run.id, { skip: false });
    const candidate = (await box.take())!;
    await box.begin(candidate);
    await box.report(candidate, 0, [{ name: 'peak_gb', value: 1 }]);
    const reported = { loss: 9, ...(peakGb !== null && { peak_gb: peakGb }) };
    await box.finish(candidate, { ...exitOf('completed', 9), reported });
    return outcome(run);
  }

  test('counts what the evaluator reported, whatever training printed', async () => {
    expect((await evaluated(39)).iteration?.state).toBe('kept');
    const { iteration } = await evaluated(41);
    expect(iteration?.state).toBe('reverted');
    expect(iteration?.decision?.reason).toContain('peak_gb 41 is above its max 40');
  });

  test('is broken when only training reported it, and says whose word counts', async () => {
    const { iteration } = await evaluated(null);
    expect(iteration?.state).toBe('reverted');
    expect(iteration?.decision?.reason).toContain(
      'peak_gb was not reported by the evaluator (what training prints is not counted)',
    );
  });
});
