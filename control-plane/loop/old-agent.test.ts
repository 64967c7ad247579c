import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSpec, type ExitRecord, type JobSpec } from '@nightshift/protocol';
import { findBox, findRun, listIterations } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { takeSource } from '../fleet/take-source.js';
import { whyWaiting } from '../fleet/why-waiting.js';
import { exitOf, paperBox } from '../testing/paper-box.js';
import { loopDeps } from '../testing/test-loop.js';
import { advance } from './advance.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { submitProposal } from './submit-proposal.js';

let database: TestDatabase;
let deps: LoopDeps;
beforeAll(async () => {
  database = await createTestDatabase();
  deps = loopDeps(database.db);
});
afterAll(() => database.drop());

const BASE = { path: 'train.mjs', content: 'const rate = 1;\n' };

test('an agent that does not say what the evaluator reported leaves a guarded gain open, and its upgrade decides the next', async () => {
  const box = await paperBox(deps.db, { labels: ['guards'] });
  const run = await createRun(
    deps,
    parseSpec({
      name: 'old-agent',
      source: { path: '/nowhere' },
      metric: { name: 'loss', goal: 'minimize' },
      job: { train: 'node train.mjs', evaluate: 'node evaluate.mjs' },
      edit: { files: ['train.mjs'], sealed: ['evaluate.mjs'] },
      guard: [{ name: 'peak_gb', max: 40 }],
      proposer: { kind: 'external' },
      decision: { baselineReplicates: 2, maxReplicates: 1, minImprovement: 0.01, confirm: 0 },
      boxes: { labels: ['guards'] },
    }),
  );
  const lossOf = (job: JobSpec) => 100 - Number(/rate = ([\d.]+)/.exec((job.overlay?.[0] ?? BASE).content)?.[1]) * 10;
  const work = async (reported?: ExitRecord['reported']) => {
    for (;;) {
      await advance(deps, run.id, { skip: false });
      const job = await box.work((_config, spec) => ({
        ...exitOf('completed', lossOf(spec)),
        ...(reported && { reported }),
      }));
      if (!job) return;
    }
  };
  const patch = async (rate: number, reported?: ExitRecord['reported']) => {
    const block = `train.mjs\n<<<<<<< SEARCH\nconst rate = 1;\n=======\nconst rate = ${rate};\n>>>>>>> REPLACE\n`;
    await submitProposal(deps, run.id, { patch: `REASON: a test\n\n${block}` });
    await work(reported);
    return (await listIterations(deps.db, run.id)).at(-1);
  };
  await advance(deps, run.id, { skip: false });
  const first = (await box.take()) as JobSpec;
  const { attemptId, token } = first;
  await takeSource(deps.db, box.id, { type: 'source', attemptId, token, files: [BASE], sealed: [], baseCommit: null });
  await box.begin(first);
  await box.finish(first, exitOf('completed', lossOf(first)));
  await work();

  const open = await patch(2);
  expect(open).toMatchObject({ state: 'inconclusive', decision: { outcome: 'inconclusive' } });
  expect(open?.decision?.reason).toMatch(
    /agent of paper-\w+ is too old to tell what the evaluator reported; upgrade it/,
  );
  expect(await patch(2.1, {})).toMatchObject({ state: 'reverted' });
  expect(await patch(2.2, { peak_gb: 41 })).toMatchObject({ state: 'reverted' });
  expect(await patch(2.3, { peak_gb: 39 })).toMatchObject({ state: 'kept' });
});

test('a job of a role that an agent does not know is not given to it, and its run says which agent to upgrade', async () => {
  const box = await paperBox(deps.db, { labels: ['roles'] });
  await box.greet({ roles: undefined });
  const run = await createRun(
    deps,
    parseSpec({
      name: 'old-roles',
      source: { path: '/nowhere' },
      metric: { name: 'loss', goal: 'minimize' },
      job: { train: 'true', budget: '100s' },
      menu: { knobs: { x: { type: 'int', range: [0, 100], default: 0 } } },
      proposer: { kind: 'external' },
      decision: { baselineReplicates: 2 },
      boxes: { labels: ['roles'] },
      fidelity: { screen: { budget: '20s' } },
    }),
  );
  await advance(deps, run.id, { skip: false });
  for (let i = 0; i < 2; i++) expect((await box.work(() => 2))?.role).toBe('baseline');
  await advance(deps, run.id, { skip: false });
  await submitProposal(deps, run.id, { raw: { knob: 'x', new_value: 20, reason: 'a test' } });
  await advance(deps, run.id, { skip: false });
  expect(await box.take()).toBeNull();
  const { name } = (await findBox(deps.db, box.id))!;
  expect(await whyWaiting(deps.db, (await findRun(deps.db, run.id))!, new Date())).toBe(
    `no agent knows its job's role screen: upgrade that of ${name}`,
  );
  await box.greet({});
  expect((await box.take())?.role).toBe('screen');
});
