import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluatorWarning, parseSpec, type JobSpec, type SourceFile, type SpecInput } from '@nightshift/protocol';
import { findRun, listJobsOfRun, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { takeSource } from '../fleet/take-source.js';
import { exitOf, paperBox, type PaperBox } from '../testing/paper-box.js';
import { loopDeps } from '../testing/test-loop.js';
import { advance } from './advance.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { otherRuler } from './ruler.js';

const FILE: SourceFile = { path: 'train.py', content: 'steps = 10\n' };
const SEALED = 'a'.repeat(64);
const RULER = { sealed: SEALED, evaluator: 'e'.repeat(64) };
const OTHER = 'b'.repeat(64);

let database: TestDatabase;
let deps: LoopDeps;
beforeAll(async () => {
  database = await createTestDatabase();
  deps = loopDeps(database.db);
});
afterAll(() => database.drop());

let tests = 0;
async function begun(over: Partial<SpecInput> = {}): Promise<{ run: RunRow; box: PaperBox; label: string }> {
  const label = `ruler-${++tests}`;
  const spec: SpecInput = {
    name: 'ruled',
    source: { path: '/nowhere' },
    metric: { name: 'loss', goal: 'minimize' },
    job: { train: 'python train.py', evaluate: 'python evaluate.py', budget: '1s' },
    edit: { files: [FILE.path], sealed: ['evaluate.py'], probe: '1s' },
    proposer: { kind: 'external' },
    decision: { baselineReplicates: 2, maxReplicates: 1 },
    boxes: { labels: [label], parallel: 2 },
    ...over,
  };
  const box = await paperBox(deps.db, { labels: [label] });
  const run = await createRun(deps, parseSpec(spec));
  await advance(deps, run.id, { skip: false });
  return { run, box, label };
}
function tell(box: PaperBox, job: JobSpec, file = FILE, baseCommit: string | null = null, code?: SourceFile[]) {
  const sealed = [{ path: 'evaluate.py', sha256: 'c'.repeat(64) }];
  const about = { attemptId: job.attemptId, token: job.token };
  return takeSource(deps.db, box.id, {
    type: 'source',
    ...about,
    baseCommit,
    files: [file],
    sealed,
    sealedDigest: SEALED,
    ...(code && { code }),
  });
}
async function first(box: PaperBox, fingerprint: Record<string, string> = RULER): Promise<JobSpec> {
  const job = (await box.take())!;
  await tell(box, job, FILE, 'd'.repeat(40));
  await box.begin(job);
  await box.finish(job, { ...exitOf('completed', 1), fingerprint });
  return job;
}
const eventsOf = (run: RunRow, type: string) => settledEvents(deps.db, { runId: run.id, types: [type], limit: 20 });
const patience = (run: RunRow) => database.sql`update jobs set not_before = null where run_id = ${run.id}`;

describe('a job of code mode', () => {
  test('is given what the run began with, once a box has told it: editable files, commit, digest of the sealed ones', async () => {
    const { box } = await begun({ source: { git: 'https://example.org/x.git', ref: 'main' } });
    const job = await first(box);
    expect(job).toMatchObject({ overlay: null, sealedDigest: null, source: { ref: 'main' } });
    const second = await box.take();
    expect(second).toMatchObject({
      role: 'baseline',
      overlay: [FILE],
      sealedDigest: SEALED,
      source: { ref: 'd'.repeat(40) },
      probeMs: null,
    });
  });

  test('that was given out before, on a box with other files, is taken away before it trains and made again with those of the run', async () => {
    const { run, box, label } = await begun();
    const other = await paperBox(deps.db, { labels: [label] });
    const [here, there] = [(await box.take())!, (await other.take())!];
    await tell(box, here);
    expect(await tell(other, there, { ...FILE, content: 'steps = 99\n' })).toBe(run.id);
    expect((await eventsOf(run, 'run.source_changed'))[0]?.payload).toMatchObject({ attemptId: there.attemptId });
    expect(await eventsOf(run, 'job.training')).toEqual([]);
    await other.finish(there, { ...exitOf('completed', 0), fingerprint: RULER });
    const jobs = await listJobsOfRun(deps.db, run.id);
    expect(jobs.find((job) => job.id === there.jobId)).toMatchObject({ state: 'queued', metric: null });
    await patience(run);
    expect(await other.take()).toMatchObject({ jobId: there.jobId, overlay: [FILE] });
  });
});

describe('a measurement with another ruler than the first', () => {
  test.each([
    ['other sealed files', { ...RULER, sealed: OTHER }, /with other sealed files \(evaluate\.py\).*bbbb.*aaaa/],
    ['no word of its sealed files', { evaluator: RULER.evaluator }, /digest none in place of aaaa/],
    ['another evaluator', { ...RULER, evaluator: OTHER }, /by another evaluator than the run \(python evaluate\.py\)/],
  ])('is none (%s): it is told, made again, and ends the run when it is never made right', async (_what, told, why) => {
    const { run, box } = await begun();
    await first(box);
    for (let attempt = 1; attempt <= 3; attempt++) {
      await patience(run);
      expect(await box.work(() => ({ ...exitOf('completed', 0), fingerprint: told }))).not.toBeNull();
    }
    await advance(deps, run.id, { skip: false });
    const ended = await findRun(deps.db, run.id);
    expect(ended).toMatchObject({ state: 'failed', endReason: 'infrastructure' });
    expect(ended?.endDetail).toMatch(/a job failed 3 times for reasons of the infrastructure: sealed_files_changed/);
    expect(ended?.endDetail).toMatch(why);
    const events = await eventsOf(run, 'job.other_ruler');
    expect(events).toHaveLength(3);
    expect(events[0]?.payload).toMatchObject({ metric: 0, reason: 'completed', ruler: { sealed: SEALED } });
  });

  test('is no crash of the candidate either', async () => {
    const { run, box } = await begun();
    await first(box);
    await box.work(() => ({ ...exitOf('crash', null, 'no such module'), fingerprint: { ...RULER, sealed: OTHER } }));
    const [, second] = await listJobsOfRun(deps.db, run.id);
    expect(second).toMatchObject({ state: 'queued', attempt: 1 });
  });
});

describe('an evaluator', () => {
  const evaluator = (content: string) => [{ path: 'evaluate.py', content }];
  async function warningsOf(over: Partial<SpecInput>, code: SourceFile[] | undefined) {
    const { run, box } = await begun(over);
    const warnings = (row: RunRow) => evaluatorWarning(row.spec, row.evaluatorReads);
    const before = warnings(run);
    await tell(box, (await box.take())!, FILE, null, code);
    return { before, after: warnings((await findRun(deps.db, run.id)) as RunRow) };
  }

  test('that is given the edited files may read them, as is said when the run is made, until its code shows whether it does', async () => {
    const reads = await warningsOf({}, evaluator('from train import Model\n'));
    expect(reads.before).toContain('The evaluator gets the edited files (train.py)');
    expect(reads.after).toContain('The evaluator reads edited files (train.py)');
    expect((await warningsOf({}, evaluator('import json\n'))).after).toBeNull();
    expect((await warningsOf({}, undefined)).after).toEqual(reads.before);
  });

  test('that is given declared artifacts has the file of the source, and nothing is said', async () => {
    const edit = { files: [FILE.path], sealed: ['evaluate.py'], artifacts: ['model.json'] };
    expect(await warningsOf({ edit }, evaluator('import train\n'))).toEqual({ before: null, after: null });
  });
});

test('a failure that came before the digests were told is judged by itself', () => {
  const none = { sealed: null, evaluator: null };
  expect(otherRuler(RULER, none, 'crash')).toBeNull();
  expect(otherRuler(RULER, none, 'completed')).toBe('sealed');
  expect(otherRuler(none, RULER, 'completed')).toBeNull();
  expect(otherRuler(RULER, RULER, 'completed')).toBeNull();
});
