import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSpec, type JobSpec, type SourceFile, type SpecInput } from '@nightshift/protocol';
import { listIterations, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { takeSource } from '../fleet/take-source.js';
import { createRun } from '../loop/create-run.js';
import type { LoopDeps } from '../loop/deps.js';
import { submitProposal } from '../loop/submit-proposal.js';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { loopDeps, step } from '../testing/test-loop.js';
import { testApi, type TestApi } from '../testing/test-api.js';

const BASE: SourceFile = {
  path: 'train.mjs',
  content: 'const rate = 1;\n\n\n\n\nconst steps = 10;\nsave(rate * steps);\n',
};
const SPEC: SpecInput = {
  name: 'ledger',
  source: { path: '/nowhere' },
  metric: { name: 'gain', goal: 'maximize' },
  job: { train: 'node train.mjs', evaluate: 'node evaluate.mjs' },
  edit: { files: ['train.mjs'], sealed: ['evaluate.mjs'] },
  menu: { knobs: { lift: { type: 'int', range: [0, 9], default: 0 } } },
  proposer: { kind: 'external' },
  decision: { baselineReplicates: 2, maxReplicates: 1, minImprovement: 0.01 },
  stop: { iterations: 6 },
};
function measure(job: JobSpec): number {
  const text = job.overlay?.[0]?.content ?? BASE.content;
  const read = (name: string) => Number(new RegExp(`const ${name} = ([\\d.]+)`).exec(text)?.[1]);
  return read('steps') * read('rate') + Number(job.config['lift']);
}
const change = (from: string, to: string) =>
  `SUMMARY: ${to}\nREASON: it should help\n\ntrain.mjs\n<<<<<<< SEARCH\n${from}\n=======\n${to}\n>>>>>>> REPLACE\n`;

describe('the export of kept patches', () => {
  let database: TestDatabase;
  let api: TestApi;
  let deps: LoopDeps;
  let run: RunRow;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nightshift-export-'));
    database = await createTestDatabase();
    api = await testApi(database.db);
    deps = loopDeps(database.db);
    run = await worked(await paperBox(database.db));
  });
  afterAll(async () => {
    api.stop();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A run with a kept patch, a kept knob, a patch that is reverted, and a kept patch on all that. */
  async function worked(box: PaperBox): Promise<RunRow> {
    const made = await createRun(deps, parseSpec(SPEC));
    await step(deps, made.id);
    const first = (await box.take()) as JobSpec;
    await takeSource(deps.db, box.id, {
      type: 'source',
      attemptId: first.attemptId,
      token: first.token,
      baseCommit: null,
      files: [BASE],
      sealed: [],
    });
    await box.begin(first);
    await box.finish(first, exitOf('completed', measure(first)));
    await box.work((_config, job) => measure(job));
    await step(deps, made.id);
    for (const proposal of [
      { patch: change('const steps = 10;', 'const steps = 30;') },
      { raw: { knob: 'lift', new_value: 9, reason: 'higher' } },
      { patch: change('const rate = 1;', 'const rate = 0.5;') },
      { patch: change('const rate = 1;', 'const rate = 2;') },
    ]) {
      expect(await submitProposal(deps, made.id, proposal)).toMatchObject({ verdict: { verdict: 'pass' } });
      await step(deps, made.id);
      await box.work((_config, job) => measure(job));
      await step(deps, made.id);
    }
    return made;
  }
  const text = async (path: string) => (await api.call('GET', `/v1/runs/${run.id}/${path}`)).text();
  const git = (args: string[], input?: string) =>
    execFileSync('git', ['-C', folder, ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
      ...(input === undefined ? {} : { input }),
    });

  it('makes a commit for each kept patch, whose id the row has known since the keep', async () => {
    const rows = await listIterations(database.db, run.id);
    expect(rows.map(({ state }) => state)).toEqual(['kept', 'kept', 'reverted', 'kept']);
    git(['init', '--quiet']);
    git(['fast-import', '--quiet'], await text('export?format=branch'));
    const log = git(['log', '--reverse', '--format=%H %s', `nightshift/${run.id}`])
      .trimEnd()
      .split('\n');
    expect(log.map((line) => line.slice(41))).toEqual([
      'Start from the editable files of ledger',
      'const steps = 30;',
      'const rate = 2;',
    ]);
    expect(rows.map(({ commitId }) => commitId)).toEqual([log[1]?.slice(0, 40), null, null, log[2]?.slice(0, 40)]);
    expect(git(['log', '-1', '--format=%B', `nightshift/${run.id}`])).toContain('* lift: 0 -> 9 (iteration 2)');
    expect(await text('export?format=branch')).toBe(await text('export?format=branch'));
  });

  it('names the commits in results.tsv', async () => {
    const rows = (await text('export?format=tsv'))
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    const ids = git(['rev-list', '--reverse', `nightshift/${run.id}`])
      .trimEnd()
      .split('\n');
    expect(rows.slice(1).map(([id, , , status]) => [id, status])).toEqual([
      [ids[0]?.slice(0, 7), 'keep'],
      [ids[1]?.slice(0, 7), 'keep'],
      ['0000002', 'keep'],
      ['0000003', 'discard'],
      [ids[2]?.slice(0, 7), 'keep'],
    ]);
  });

  it('says so where only a repository knows the ids of the commits', async () => {
    const named = await api.call('GET', `/v1/runs/${run.id}/export?format=tsv`);
    expect(named.headers.get('x-nightshift-warning')).toBeNull();
    const base = 'a'.repeat(40);
    await database.sql`update runs set base_commit = ${base} where id = ${run.id}`;
    const answer = await api.call('GET', `/v1/runs/${run.id}/export?format=tsv`);
    await database.sql`update runs set base_commit = null where id = ${run.id}`;
    expect(answer.headers.get('x-nightshift-warning')).toMatch(new RegExp(`stand on ${base}, .*nightshift export`));
    expect((await answer.text()).match(/^\w{7}(?=\t)/gm)).toEqual([
      'aaaaaaa',
      '0000001',
      '0000002',
      '0000003',
      '0000004',
    ]);
  });

  it('writes the body of a pull request with its evidence', async () => {
    const body = await text('report?format=pr');
    expect(body).toContain('## ledger: 2 kept patches');
    expect(body).toMatch(/\| [0-9a-f]{10} \| 4 \| const rate = 2; \| 69 \| \+76\.92%.* \| 1 \| \+1 −1 \|/);
    expect(body).toContain('| lift | 0 | 9 |');
    expect(body).toContain('| 3 | const rate = 0.5; | reverted |');
    expect(body).not.toContain('Unsealed');
  });

  it('goes on from an earlier keep, with its code, its knobs and the ids of its commits', async () => {
    const refused = await api.json('POST', `/v1/runs/${run.id}/rewind`, { body: { iteration: 3 } });
    expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('is reverted') } });
    const { body } = await api.json('POST', `/v1/runs/${run.id}/rewind`, { body: { iteration: 2, iterations: 3 } });
    expect(body).toMatchObject({ baselineConfig: { lift: 9 }, spec: { stop: { iterations: 3 } } });
    const box = await paperBox(database.db);
    await step(deps, body.id);
    for (let i = 0; i < 2; i++) {
      const job = await box.work((_config, assigned) => measure(assigned));
      expect(job).toMatchObject({ config: { lift: 9 }, overlay: [{ content: expect.stringContaining('steps = 30') }] });
    }
    await step(deps, body.id);
    // Back to the code of the baseline it never goes without its overlay: the source has other code.
    for (const [from, to] of [
      ['const rate = 1;', 'const rate = 3;'],
      ['const steps = 30;', 'const steps = 90;'],
    ] as const) {
      expect(await submitProposal(deps, body.id, { patch: change(from, to) })).toMatchObject({
        verdict: { verdict: 'pass' },
      });
      await step(deps, body.id);
      await box.work((_config, job) => measure(job));
      await step(deps, body.id);
    }
    git(['fast-import', '--quiet'], await (await api.call('GET', `/v1/runs/${body.id}/export?format=branch`)).text());
    const log = (ref: string) => git(['log', '--reverse', '--format=%H %s', ref]).trimEnd().split('\n');
    const [earlier, later] = [log(`nightshift/${run.id}`), log(`nightshift/${body.id}`)];
    expect(later.slice(0, 2)).toEqual(earlier.slice(0, 2));
    expect(later.slice(2).map((line) => line.slice(41))).toEqual(['const rate = 3;', 'const steps = 90;']);
    const rows = await listIterations(database.db, body.id);
    expect(rows.map(({ commitId }) => commitId)).toEqual(later.slice(2).map((line) => line.slice(0, 40)));
  });

  it('answers 409 for a run in menu mode', async () => {
    const menu = await createRun(deps, parseSpec({ ...SPEC, edit: undefined }));
    for (const path of ['export?format=branch', 'export?format=patch', 'report?format=pr'])
      expect(await api.json('GET', `/v1/runs/${menu.id}/${path}`)).toMatchObject({ status: 409 });
    expect(api.errors).toEqual([]);
  });
});
