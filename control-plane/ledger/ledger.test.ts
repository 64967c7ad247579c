import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Decision, SourceFile } from '@nightshift/protocol';
import { buildLedger, importStream, mailSeries, squash, type KeptIteration, type LedgerInput } from './index.js';

const BASE: SourceFile[] = [
  { path: 'lib/odd name ü.txt', content: 'no line break at the end' },
  { path: 'lib.txt', content: 'sorts before the folder lib\n' },
  { path: 'train.mjs', content: 'const rate = 1;\nconst steps = 10;\n' },
];
const STATES: Record<string, SourceFile[]> = {
  a: BASE.map((file) =>
    file.path === 'train.mjs' ? { ...file, content: 'const rate = 2;\nconst steps = 10;\n' } : file,
  ),
  b: [
    ...BASE.filter(({ path }) => path !== 'lib.txt').map((file) =>
      file.path === 'train.mjs' ? { ...file, content: 'const rate = 2;\nconst steps = 30;\n' } : file,
    ),
    { path: 'new/deep/file.txt', content: '--- a line like a patch\nFrom me\n' },
  ],
  c: BASE.map((file) => ({ ...file, content: `${file.content}// other\n` })),
};
const decision: Decision = {
  outcome: 'keep',
  comparator: 'incumbent',
  comparatorMean: 1.25,
  comparatorN: 3,
  candidateMean: 1.2,
  candidateN: 2,
  effect: 0.04,
  standardError: 0.0031,
  noiseSd: 0.004,
  degreesOfFreedom: 4,
  probability: 0.99,
  reason: 'better',
};
function kept(
  number: number,
  fromCodeKey: string | null,
  codeKey: string | null,
  part: Partial<KeptIteration> = {},
): KeptIteration {
  return {
    number,
    endedAt: new Date(Date.UTC(2026, 10, 20, 22, number, 7, 999)),
    config: {},
    fromCodeKey,
    codeKey,
    patch: { summary: `Change number ${number}`, reason: 'It should help. '.repeat(12) },
    knob: null,
    decision,
    ...part,
  };
}
function input(part: Partial<LedgerInput> = {}): LedgerInput {
  return {
    run: {
      id: 'run_01test',
      project: 'toy',
      createdAt: new Date(Date.UTC(2026, 10, 20, 21, 0, 0)),
      metric: { name: 'val_bpb', goal: 'minimize' },
      isUnsealed: false,
      evaluatorReads: [],
      baselineConfig: {},
    },
    baseline: { files: BASE, commit: null },
    kept: [kept(2, null, 'a'), kept(5, 'a', 'b')],
    filesOf: (key) => STATES[key] as SourceFile[],
    headCodeKey: 'b',
    ...part,
  };
}
const BRANCH = 'refs/heads/nightshift/run_01test';

describe('the ledger in real git', () => {
  let folder: string;
  let n = 0;
  const env = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_COMMITTER_NAME: 'Nightshift',
    GIT_COMMITTER_EMAIL: 'nightshift@localhost',
  };
  const git = (cwd: string, args: string[], stdin?: string) =>
    execFileSync('git', args, {
      cwd,
      env,
      encoding: 'utf8',
      stdio: 'pipe',
      ...(stdin === undefined ? {} : { input: stdin }),
    }).trimEnd();
  const repository = () => {
    const path = join(folder, `repository-${++n}`);
    mkdirSync(path);
    git(path, ['init', '--quiet']);
    return path;
  };
  const imported = (stream: string, path = repository()) => {
    git(path, ['fast-import', '--quiet'], stream);
    git(path, ['fsck', '--strict', '--no-dangling']);
    return path;
  };
  const ids = (path: string, ref = BRANCH) => git(path, ['rev-list', '--reverse', ref]).split('\n');
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nightshift-ledger-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('gives the ids that were computed without git, in every repository', () => {
    const ledger = buildLedger(input());
    const stream = importStream(ledger);
    const [one, two] = [imported(stream), imported(importStream(buildLedger(input())))];
    expect(ids(one)).toEqual(ledger.commits.map(({ id }) => id));
    expect(ids(two)).toEqual(ids(one));
    // Once more into the same repository changes nothing.
    expect(ids(imported(stream, one))).toEqual(ids(two));
    expect(ledger.commits).toHaveLength(3);
    expect(git(one, ['log', '-1', '--format=%an <%ae> %at %ct', BRANCH])).toBe(
      `Nightshift <nightshift@localhost> ${Date.UTC(2026, 10, 20, 22, 5, 7) / 1000} ${Date.UTC(2026, 10, 20, 22, 5, 7) / 1000}`,
    );
    expect(git(one, ['show', `${BRANCH}:new/deep/file.txt`])).toBe('--- a line like a patch\nFrom me');
  });

  it('says summary, reason, numbers and where it comes from, in trailers that git reads', () => {
    const path = imported(importStream(buildLedger(input())));
    expect(git(path, ['log', '-1', '--format=%s', BRANCH])).toBe('Change number 5');
    const body = git(path, ['log', '-1', '--format=%b', BRANCH]);
    expect(body).toContain('val_bpb 1.25 -> 1.2, effect +4.00% ± 0.31% (n 2 against 3 of the\nincumbent).');
    expect(Math.max(...body.split('\n').map((line) => line.length))).toBeLessThanOrEqual(72);
    expect(git(path, ['log', '-1', '--format=%(trailers:key=Nightshift-Iteration,valueonly)', BRANCH])).toBe('5');
  });

  it('is a series that git am takes, and that gives the same ids', () => {
    const words = [
      { summary: '[lr] Wärme zuerst, ' + 'ä'.repeat(40), reason: 'From: nobody\nDate: never' },
      {
        summary: 'Re: the same',
        reason: `--- a/train.mjs ${'x'.repeat(70)} diff --git a/x b/x ${'y'.repeat(70)} From the top`,
      },
    ];
    const ledger = buildLedger(
      input({ kept: [kept(2, null, 'a', { patch: words[0]! }), kept(5, 'a', 'b', { patch: words[1]! })] }),
    );
    const path = repository();
    imported(importStream({ ...ledger, head: 0, commits: ledger.commits.slice(0, 1) }), path);
    git(path, ['checkout', '--quiet', '-B', 'work', BRANCH]);
    git(path, ['am', '--quiet', '--committer-date-is-author-date'], mailSeries(ledger));
    expect(ids(path, 'work')).toEqual(ledger.commits.map(({ id }) => id));
  });

  it('stands on the commit of the source when there is one, with only what changed', () => {
    const path = repository();
    for (const { path: name, content } of [...BASE, { path: 'sealed.mjs', content: 'export {};\n' }]) {
      mkdirSync(join(path, name, '..'), { recursive: true });
      writeFileSync(join(path, name), content);
    }
    git(path, ['add', '-A']);
    git(path, ['-c', 'user.name=x', '-c', 'user.email=x@y', 'commit', '--quiet', '-m', 'Source']);
    const commit = git(path, ['rev-parse', 'HEAD']);
    const ledger = buildLedger(input({ baseline: { files: BASE, commit } }));
    expect(ledger.commits.map(({ id }) => id)).toEqual([null, null]);
    imported(importStream(ledger), path);
    const first = ids(path);
    expect(first[0]).toBe(commit);
    expect(git(path, ['diff', '--name-only', commit, BRANCH]).split('\n')).toEqual([
      'lib.txt',
      'new/deep/file.txt',
      'train.mjs',
    ]);
    const clone = join(folder, 'clone');
    git(folder, ['clone', '--quiet', path, clone]);
    expect(ids(imported(importStream(ledger), clone))).toEqual(first);
    git(clone, ['checkout', '--quiet', '-B', 'work', commit]);
    git(clone, ['am', '--quiet', '--committer-date-is-author-date'], mailSeries(ledger));
    expect(ids(clone, 'work')).toEqual(first);
  });

  it('ends at the source itself when nothing was kept', () => {
    const ledger = buildLedger(input({ kept: [], headCodeKey: null }));
    expect(ids(imported(importStream(ledger)))).toEqual([ledger.commits[0]?.id]);
    expect(mailSeries(ledger)).toBe('');
    expect(squash(ledger)).toBeNull();
  });

  it('puts a patch on the code that it was measured against, and keeps those beside the best on branches of their own', () => {
    const ledger = buildLedger(input({ kept: [kept(1, null, 'a'), kept(2, null, 'c')], headCodeKey: 'a' }));
    const path = imported(importStream(ledger));
    expect(ids(path)).toEqual([ledger.commits[0]?.id, ledger.commits[1]?.id]);
    expect(ids(path, `${BRANCH}-2`)).toEqual([ledger.commits[0]?.id, ledger.commits[2]?.id]);
  });

  it('squashes to one commit with the files of the best', () => {
    const ledger = buildLedger(input());
    const squashed = squash(ledger)!;
    const path = imported(importStream(ledger), imported(squashed.stream));
    expect(ids(path, squashed.ref)).toEqual([ledger.commits[0]?.id, squashed.id]);
    expect(git(path, ['rev-parse', `${squashed.ref}^{tree}`])).toBe(git(path, ['rev-parse', `${BRANCH}^{tree}`]));
    expect(git(path, ['log', '-1', '--format=%B', squashed.ref])).toContain('* Change number 2\n* Change number 5');
  });

  it('goes on from an earlier run with the ids of that run', () => {
    const before = buildLedger(input());
    const ledger = buildLedger({
      ...input({ kept: [kept(1, null, 'c')], headCodeKey: 'c', before: before.commits.slice(0, 2) }),
      run: { ...input().run, id: 'run_02next' },
      baseline: { files: STATES['a']!, commit: null },
    });
    const path = imported(importStream(ledger));
    expect(ids(path, 'refs/heads/nightshift/run_02next').slice(0, 2)).toEqual(
      before.commits.slice(0, 2).map(({ id }) => id),
    );
  });
});

it('tells kept knobs in the message of the next patch, since they change no file', () => {
  const knob = kept(3, 'a', 'a', { patch: null, knob: { knob: 'lr', newValue: 0.2, reason: '' }, config: { lr: 0.2 } });
  const ledger = buildLedger(
    input({
      run: { ...input().run, baselineConfig: { lr: 0.1 }, isUnsealed: true },
      kept: [kept(2, null, 'a', { config: { lr: 0.1 } }), knob, kept(5, 'a', 'b', { config: { lr: 0.2 } })],
    }),
  );
  expect(ledger.commits).toHaveLength(3);
  expect(ledger.commits[2]?.message).toContain('* lr: 0.1 -> 0.2 (iteration 3)');
  expect(ledger.commits[2]?.message).toContain('Nightshift-Config: {"lr":0.2}\nNightshift-Measurement: unsealed\n');
  expect(ledger.commits[1]?.message).not.toContain('0.2');
  const read = buildLedger(input({ run: { ...input().run, evaluatorReads: ['train.py'] } }));
  expect(read.commits[1]?.message).toContain('Nightshift-Measurement: sealed, evaluator reads edited train.py\n');
});
