import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpec, type JobSpec, type SourceFile, type SpecInput } from '@nightshift/protocol';
import { findRun, listIterations, listJobsOfRun, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { takeSource } from '../fleet/take-source.js';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { loopDeps, step } from '../testing/test-loop.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { submitProposal } from './submit-proposal.js';
import { loadTrajectory } from './trajectory-of-run.js';

const BASE: SourceFile = {
  path: 'train.mjs',
  content: [
    'const steps = 10;',
    '',
    '// As in version control, changes merge when three lines lie between them.',
    '',
    '',
    'const rate = 1;',
    'let loss = 100;',
    'for (let i = 0; i < steps; i++) loss -= rate;',
    'save(loss);',
    '',
  ].join('\n'),
};
const SPEC: SpecInput = {
  name: 'code',
  source: { path: '/nowhere' },
  metric: { name: 'loss', goal: 'minimize' },
  job: { train: 'node train.mjs', evaluate: 'node evaluate.mjs' },
  edit: { files: ['train.mjs'], sealed: ['evaluate.mjs'], maxChangedLines: 10, repairs: 1 },
  proposer: { kind: 'external' },
  decision: { baselineReplicates: 2, maxReplicates: 1, minImprovement: 0.01 },
  stop: { iterations: 6 },
};
// What the code would measure: the paper box reads it instead of running it.
function measure(job: JobSpec): number {
  const text = job.overlay?.[0]?.content ?? BASE.content;
  const read = (name: string) => Number(new RegExp(`const ${name} = ([\\d.]+)`).exec(text)?.[1]);
  return 100 - read('steps') * read('rate');
}
const replace = (from: string, to: string, reason = 'it should help') =>
  `REASON: ${reason}\n\ntrain.mjs\n<<<<<<< SEARCH\n${from}\n=======\n${to}\n>>>>>>> REPLACE\n`;

let database: TestDatabase;
let deps: LoopDeps;
beforeAll(async () => {
  database = await createTestDatabase();
  deps = loopDeps(database.db);
});
afterAll(() => database.drop());

async function tellSource(box: PaperBox, job: JobSpec): Promise<string | null> {
  return takeSource(deps.db, box.id, {
    type: 'source',
    attemptId: job.attemptId,
    token: job.token,
    baseCommit: null,
    files: [BASE],
    sealed: [],
  });
}
async function started(spec: Partial<SpecInput> = {}): Promise<{ run: RunRow; box: PaperBox }> {
  const box = await paperBox(deps.db);
  const run = await createRun(deps, parseSpec({ ...SPEC, ...spec }));
  await step(deps, run.id);
  for (let i = 0; i < 2; i++) {
    await box.work((_config, job) => measure(job));
    if (i === 0) {
      const [job] = await listJobsOfRun(deps.db, run.id);
      expect(job?.state).toBe('succeeded');
    }
  }
  return { run, box };
}
async function withSource(spec: Partial<SpecInput> = {}) {
  const box = await paperBox(deps.db);
  const run = await createRun(deps, parseSpec({ ...SPEC, ...spec }));
  await step(deps, run.id);
  const first = (await box.take()) as JobSpec;
  expect(first.overlay).toBeNull();
  await tellSource(box, first);
  expect(await tellSource(box, first)).toBeNull();
  await box.begin(first);
  await box.finish(first, exitOf('completed', measure(first)));
  await box.work((_config, job) => measure(job));
  await step(deps, run.id);
  return { run, box };
}
const iterationsOf = (run: RunRow) => listIterations(deps.db, run.id);

describe('a patch', () => {
  test('is refused before a box has told the source', async () => {
    const { run } = await started();
    await expect(
      submitProposal(deps, run.id, { patch: replace('const steps = 10;', 'const steps = 20;') }),
    ).rejects.toMatchObject({ code: 'illegal_state' });
  });

  test('runs with the files that it makes, and is kept or reverted like any proposal', async () => {
    const { run, box } = await withSource();
    const good = await submitProposal(deps, run.id, { patch: replace('const steps = 10;', 'const steps = 30;') });
    expect(good.iteration?.state).toBe('accepted');
    await step(deps, run.id);
    const job = await box.work((_config, assigned) => measure(assigned));
    expect(job?.overlay?.[0]?.content).toContain('const steps = 30;');
    await step(deps, run.id);
    const bad = await submitProposal(deps, run.id, { patch: replace('const rate = 1;', 'const rate = 0.5;') });
    expect(bad.verdict.verdict).toBe('pass');
    await step(deps, run.id);
    const second = await box.work((_config, assigned) => measure(assigned));
    expect(second?.overlay?.[0]?.content).toMatch(/steps = 30[\s\S]*rate = 0.5/);
    await step(deps, run.id);
    expect((await iterationsOf(run)).map((iteration) => iteration.state)).toEqual(['kept', 'reverted']);
    const now = await findRun(deps.db, run.id);
    expect(now?.incumbentCodeKey).toBe(good.iteration?.codeKey);
    const { records } = await loadTrajectory(deps.db, now as RunRow);
    expect(records[0]).toMatchObject({ outcome: 'kept', values: [70], proposal: { knob: '(patch)' } });
  });

  test('is blocked by the rails of code, and by the repeat of known code', async () => {
    const { run, box } = await withSource();
    const block = async (patch: string) => (await submitProposal(deps, run.id, { patch })).verdict;
    expect(await block(replace('const rate = 1;', "import 'node:child_process';\nconst rate = 1;"))).toMatchObject({
      rail: 'imports',
    });
    expect(await block(replace('nowhere to be found', 'x'))).toMatchObject({ rail: 'schema' });
    expect(await block(replace('save(loss);', 'save(loss;'))).toMatchObject({ rail: 'syntax' });
    const twice = replace('const rate = 1;', 'const rate = 0.5;');
    expect(await block(twice)).toMatchObject({ verdict: 'pass' });
    await step(deps, run.id);
    await box.work((_config, job) => measure(job));
    await step(deps, run.id);
    expect(await block(twice)).toMatchObject({ rail: 'repeat' });
    expect((await settledEvents(deps.db, { runId: run.id, types: ['proposal.blocked'], limit: 10 })).length).toBe(4);
  });

  test('that was made before the incumbent changed is put on the new incumbent', async () => {
    const { run, box } = await withSource();
    await submitProposal(deps, run.id, { patch: replace('const steps = 10;', 'const steps = 30;') });
    await submitProposal(deps, run.id, { patch: replace('const rate = 1;', 'const rate = 2;') });
    await step(deps, run.id);
    await box.work((_config, job) => measure(job));
    await step(deps, run.id);
    const job = await box.work((_config, assigned) => measure(assigned));
    expect(job?.overlay?.[0]?.content).toMatch(/steps = 30[\s\S]*rate = 2/);
    await step(deps, run.id);
    expect((await iterationsOf(run)).map((iteration) => iteration.state)).toEqual(['kept', 'kept']);
  });

  test('whose place is gone on the new incumbent ends blocked, when a person made it', async () => {
    const { run, box } = await withSource();
    await submitProposal(deps, run.id, { patch: replace('const steps = 10;', 'const steps = 30;') });
    await submitProposal(deps, run.id, { patch: replace('const steps = 10;', 'const steps = 40;') });
    await step(deps, run.id);
    await box.work((_config, job) => measure(job));
    await step(deps, run.id);
    expect((await iterationsOf(run)).map((iteration) => iteration.state)).toEqual(['kept', 'blocked']);
  });
});

test('knobs go on being tuned on the kept code when the spec has both', async () => {
  const { run, box } = await withSource({ menu: { knobs: { a: { type: 'int', range: [0, 9], default: 1 } } } });
  await submitProposal(deps, run.id, { patch: replace('const steps = 10;', 'const steps = 30;') });
  await step(deps, run.id);
  await box.work((_config, job) => measure(job));
  await step(deps, run.id);
  const knob = await submitProposal(deps, run.id, { raw: { knob: 'a', new_value: 5, reason: 'the middle' } });
  expect(knob.verdict.verdict).toBe('pass');
  await step(deps, run.id);
  const job = (await box.take()) as JobSpec;
  expect(job).toMatchObject({ config: { a: 5 }, overlay: [{ path: 'train.mjs' }] });
  expect(job.overlay?.[0]?.content).toContain('steps = 30');
});
