import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { jobSpec } from '../testing/job-spec.js';
import { runOne } from '../testing/run-one.js';
import { prepareWorkspace } from './prepare.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

const limits = { maxFiles: 50, maxBytes: 1_000_000 };
let home: string;
let source: string;
beforeEach(() => {
  home = temporaryFolder('ws');
  source = join(home, 'source');
  mkdirSync(join(source, 'lib'), { recursive: true });
  writeFileSync(join(source, 'train.py'), 'print(1)\n');
  writeFileSync(join(source, 'lib', 'a.py'), 'x = 1\n', { mode: 0o755 });
});

function git(...args: string[]): string {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...who, ...args], {
    cwd: source,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

let made = 0;
function prepare(
  over: Partial<JobSpec> = {},
  runSetup: (cwd: string) => Promise<boolean> = () => Promise.resolve(true),
) {
  const work = join(home, `work-${made++}`);
  const spec = jobSpec({ source: { kind: 'path', path: source }, runId: `run-of-${made}`, ...over });
  return prepareWorkspace({
    spec,
    home,
    work,
    evaluation: `${work}-eval`,
    onSource: () => {},
    limits,
    signal: new AbortController().signal,
    runSetup,
  }).then((ready) => ({ ...ready, work }));
}

describe('a folder', () => {
  test('outside git is copied whole but for what is built', async () => {
    mkdirSync(join(source, 'node_modules', 'x'), { recursive: true });
    writeFileSync(join(source, 'node_modules', 'x', 'index.js'), '');
    const { work } = await prepare();
    expect(readdirSync(work).sort()).toEqual(['lib', 'train.py']);
    expect(lstatSync(join(work, 'lib', 'a.py')).mode & 0o777).toBe(0o755);
  });
  test('inside git is what git tracks or would track, deleted files left out', async () => {
    writeFileSync(join(source, '.gitignore'), 'data/\n');
    mkdirSync(join(source, 'data'));
    writeFileSync(join(source, 'data', 'big.bin'), 'x');
    writeFileSync(join(source, 'gone.py'), '');
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'one');
    execFileSync('rm', [join(source, 'gone.py')]);
    writeFileSync(join(source, 'new.py'), '');
    const { work } = await prepare();
    expect(readdirSync(work).sort()).toEqual(['.gitignore', 'lib', 'new.py', 'train.py']);
  });
  test('has one hash for one content, and another for another', async () => {
    const first = await prepare();
    const second = await prepare();
    writeFileSync(join(source, 'train.py'), 'print(2)\n');
    const third = await prepare();
    expect(second.fingerprint['source']).toBe(first.fingerprint['source']);
    expect(third.fingerprint['source']).not.toBe(first.fingerprint['source']);
  });
  test('that is missing, relative or too large is refused with what to do', async () => {
    await expect(prepare({ source: { kind: 'path', path: '/nowhere/at/all' } })).rejects.toMatchObject({
      reason: 'source_unavailable',
      message: 'there is no folder /nowhere/at/all on this box',
    });
    await expect(prepare({ source: { kind: 'path', path: 'here' } })).rejects.toThrow('absolute');
    for (let i = 0; i < 60; i++) writeFileSync(join(source, `f${i}`), '');
    await expect(prepare()).rejects.toThrow('more than 50 files');
    writeFileSync(join(source, 'big'), Buffer.alloc(2_000_000));
    await expect(prepare({ source: { kind: 'path', path: source } })).rejects.toMatchObject({
      reason: 'source_unavailable',
    });
  });
});

describe('a repository', () => {
  test('is checked out at a branch, a tag and a commit, from a mirror that is kept', async () => {
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'one');
    git('tag', 'v1');
    const first = git('rev-parse', 'HEAD');
    writeFileSync(join(source, 'train.py'), 'print(2)\n');
    git('commit', '-qam', 'two');
    const at = (ref: string | null) => prepare({ source: { kind: 'git', url: source, ref } });
    const head = await at(null);
    const main = await at('main');
    const tag = await at('v1');
    const commit = await at(first);
    expect(head.fingerprint).toEqual(main.fingerprint);
    expect(readFileSync(join(main.work, 'train.py'), 'utf8')).toBe('print(2)\n');
    expect(readFileSync(join(tag.work, 'train.py'), 'utf8')).toBe('print(1)\n');
    expect(commit.fingerprint['commit']).toBe(first);
    execFileSync('rm', ['-rf', source]);
    expect((await at(first)).fingerprint['commit']).toBe(first);
  });
  test('that cannot be had says what git said', async () => {
    await expect(prepare({ source: { kind: 'git', url: join(home, 'none'), ref: null } })).rejects.toMatchObject({
      reason: 'source_unavailable',
    });
    await expect(prepare({ source: { kind: 'git', url: '--upload-pack=touch /tmp/x', ref: null } })).rejects.toThrow(
      'cannot start with',
    );
    await expect(prepare({ source: { kind: 'git', url: 'ext::sh -c date', ref: null } })).rejects.toThrow(
      'not allowed',
    );
  });
});

describe('the source of a run', () => {
  const runId = 'one';
  const kept = () => join(home, 'cache', 'sources');
  test('is the folder as it was when the first job of the run began, and the next says what a person changed since', async () => {
    writeFileSync(join(source, 'lib', 'wide.sh'), 'x');
    chmodSync(join(source, 'lib', 'wide.sh'), 0o666);
    const first = await prepare({ runId });
    expect(first.changed).toBeNull();
    const later = new Date(Date.now() + 5000);
    utimesSync(join(source, 'lib', 'a.py'), later, later);
    expect((await prepare({ runId })).changed).toBeNull();
    chmodSync(join(source, 'lib', 'wide.sh'), 0o755);
    expect((await prepare({ runId })).changed).toBe('lib/wide.sh');
    chmodSync(join(source, 'lib', 'wide.sh'), 0o666);
    writeFileSync(join(source, 'train.py'), 'print(2)\n');
    rmSync(join(source, 'lib', 'a.py'));
    const second = await prepare({ runId });
    expect(second.changed).toBe('lib/a.py, train.py');
    expect(second.fingerprint['source']).toBe(first.fingerprint['source']);
    expect(readFileSync(join(second.work, 'train.py'), 'utf8')).toBe('print(1)\n');
    expect(readFileSync(join((await prepare()).work, 'train.py'), 'utf8')).toBe('print(2)\n');
  });
  test('is kept once for one content, and for the last eight', async () => {
    await prepare();
    await prepare();
    expect(readdirSync(kept()).filter((name) => !name.startsWith('.'))).toHaveLength(1);
    for (let i = 0; i < 9; i++) {
      writeFileSync(join(source, 'train.py'), `print(${i + 10})\n`);
      await prepare();
    }
    expect(readdirSync(kept()).filter((name) => !name.startsWith('.'))).toHaveLength(8);
  });
  test('that was changed where it is kept is never trained on, and is taken from the folder again if that is as it was', async () => {
    const first = await prepare({ runId });
    const copy = join(kept(), first.fingerprint['source'] as string, 'train.py');
    writeFileSync(copy, 'print(0)\n');
    await expect(prepare({ runId })).rejects.toMatchObject({ reason: 'source_unavailable' });
    expect((await prepare({ runId })).fingerprint['source']).toBe(first.fingerprint['source']);
    writeFileSync(copy, 'print(0)\n');
    await expect(prepare({ runId })).rejects.toMatchObject({ reason: 'source_unavailable' });
    writeFileSync(join(source, 'train.py'), 'print(2)\n');
    await expect(prepare({ runId })).rejects.toMatchObject({
      message: expect.stringContaining('put the files back, or start a new run') as string,
    });
  });
  test('is what was kept of it while the folder is gone, and is said to be', async () => {
    const first = await prepare({ runId });
    rmSync(source, { recursive: true });
    const { fingerprint, changed, isGone } = await prepare({ runId });
    expect({ source: fingerprint['source'], changed, isGone }).toEqual({
      source: first.fingerprint['source'],
      changed: 'the folder is gone',
      isGone: true,
    });
    rmSync(kept(), { recursive: true });
    await expect(prepare({ runId })).rejects.toMatchObject({ reason: 'source_unavailable' });
  });
  test('of a branch is the commit at which it stood', async () => {
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'one');
    const branch = { source: { kind: 'git' as const, url: `file://${source}`, ref: 'main' }, runId };
    const first = await prepare(branch);
    writeFileSync(join(source, 'train.py'), 'print(2)\n');
    git('commit', '-qam', 'two');
    const second = await prepare(branch);
    expect(second.fingerprint).toEqual(first.fingerprint);
    expect(readFileSync(join(second.work, 'train.py'), 'utf8')).toBe('print(1)\n');
    expect((await prepare({ source: branch.source })).fingerprint['commit']).toBe(git('rev-parse', 'HEAD'));
  });
});

describe('setup', () => {
  test('runs once for one content, and what it made is linked into each job', async () => {
    let runs = 0;
    const setup = (cwd: string) => {
      runs++;
      writeFileSync(join(cwd, 'made.txt'), 'made');
      mkdirSync(join(cwd, 'lib', 'built'));
      return Promise.resolve(true);
    };
    const first = await prepare({ setup: 'make' }, setup);
    const second = await prepare({ setup: 'make' }, setup);
    expect(runs).toBe(1);
    expect(readFileSync(join(second.work, 'made.txt'), 'utf8')).toBe('made');
    expect(lstatSync(join(second.work, 'made.txt')).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(second.work, 'lib')).isSymbolicLink()).toBe(false);
    expect(lstatSync(join(second.work, 'lib', 'built')).isSymbolicLink()).toBe(true);
    expect(first.fingerprint['setup']).toMatch(/ ran$/);
    expect(second.fingerprint['setup']).toMatch(/ cached$/);
    writeFileSync(join(source, 'train.py'), 'print(3)\n');
    await prepare({ setup: 'make' }, setup);
    expect(runs).toBe(2);
  });
  test('that failed is not kept', async () => {
    const failed = await prepare({ setup: 'make' }, () => Promise.resolve(false));
    expect(failed.isReady).toBe(false);
    expect((await prepare({ setup: 'make' })).fingerprint['setup']).toMatch(/ ran$/);
  });
  test('prints into the log of the job that ran it, and its failure is no fault of the candidate', async () => {
    const spec = {
      source: { kind: 'path' as const, path: source },
      setup: 'echo setting up; touch made',
      train: 'ls -1; echo val_loss: 1',
    };
    const first = await runOne(jobSpec(spec), { home });
    expect(first.exit.phases.map((phase) => phase.phase)).toEqual(['setup', 'train']);
    expect(first.log.toString()).toBe('setting up\nlib\nmade\ntrain.py\nval_loss: 1\n');
    const second = await runOne(jobSpec(spec), { home });
    expect(second.exit.phases.map((phase) => phase.phase)).toEqual(['train']);
    const failed = await runOne(jobSpec({ ...spec, setup: 'echo no such package; exit 4' }), { home });
    expect(failed.exit).toMatchObject({ reason: 'setup_failed', exitCode: 4 });
    expect(failed.exit.detail).toContain('no such package');
    expect(existsSync(failed.dir.exit)).toBe(true);
  });
});

test('a listing that is remembered notices new, deleted, ignored and newly tracked files', async () => {
  git('init', '-q');
  writeFileSync(join(source, '.gitignore'), 'secret\n');
  mkdirSync(join(source, 'empty'));
  writeFileSync(join(source, 'secret'), '');
  git('add', '.');
  git('commit', '-qm', 'one');
  const old = new Date(Date.now() - 60_000);
  const age = () => execFileSync('find', [source, '-exec', 'touch', '-h', '-d', old.toISOString(), '{}', '+']);
  const names = async () => readdirSync((await prepare()).work).sort();
  age();
  const first = await names();
  expect(first).toEqual(['.gitignore', 'lib', 'train.py']);
  expect(await names()).toEqual(first);
  writeFileSync(join(source, 'empty', 'now-with-a-file'), '');
  expect(await names()).toEqual(['.gitignore', 'empty', 'lib', 'train.py']);
  age();
  await names();
  git('add', '-f', 'secret');
  expect(await names()).toContain('secret');
  age();
  await names();
  writeFileSync(join(source, '.gitignore'), 'nothing\n');
  writeFileSync(join(source, 'lib', 'b.py'), '');
  expect(readdirSync(join((await prepare()).work, 'lib')).sort()).toEqual(['a.py', 'b.py']);
});
