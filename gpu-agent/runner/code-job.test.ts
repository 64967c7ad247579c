import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { MAX_EDITABLE_BYTES, type JobSpec } from '@nightshift/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { findBwrap } from '../sandbox/find-bwrap.js';
import { jobSpec } from '../testing/job-spec.js';
import { runOne, testOptions } from '../testing/run-one.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

const tool = findBwrap(process.env);
const bwrap = 'bwrap' in tool ? tool.bwrap : null;
const EVALUATE = `import { readFileSync } from 'node:fs';
console.log('val_loss: ' + JSON.parse(readFileSync('model.json', 'utf8')).w);
`;
const TRAIN = `import { writeFileSync } from 'node:fs';
writeFileSync('model.json', JSON.stringify({ w: 3 }));
`;

let home: string;
let source: string;
beforeEach(() => {
  home = temporaryFolder('code');
  source = join(home, 'project');
  write({ 'train.mjs': TRAIN, 'evaluate.mjs': EVALUATE });
});

function write(files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    writeFileSync(join(source, path), content);
  }
}
function git(...args: string[]): string {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...who, ...args], { cwd: source, encoding: 'utf8' }).trim();
}
function codeSpec(over: Partial<JobSpec> = {}): JobSpec {
  return jobSpec({
    source: { kind: 'path', path: source },
    train: 'node train.mjs',
    evaluate: 'node evaluate.mjs',
    edit: { files: ['train.mjs', 'model.mjs'], sealed: ['evaluate.mjs'], artifacts: ['model.json'] },
    ...over,
  });
}
const patch = (content: string) => [{ path: 'train.mjs', content }];
const sandboxed = { options: { sandbox: { ...testOptions('').sandbox, bwrap } } };

describe('the source', () => {
  test('is told with its text, hashes and commit, and not what a patch may create', async () => {
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'one');
    const { dir, exit } = await runOne(codeSpec(), { home });
    const told = JSON.parse(readFileSync(dir.source, 'utf8')) as Record<string, unknown>;
    expect(told).toMatchObject({
      baseCommit: git('rev-parse', 'HEAD'),
      files: [{ path: 'train.mjs', content: TRAIN }],
      sealed: [{ path: 'evaluate.mjs', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string }],
    });
    expect(exit).toMatchObject({ reason: 'completed', metric: 3, fingerprint: { sealing: 'sealed', sandbox: 'none' } });
  });
  test('has no commit when an editable file is not committed as it is, or outside git', async () => {
    let runs = 0;
    const commit = async () => {
      const { dir } = await runOne(codeSpec({ runId: `run-${runs++}` }), { home });
      return (JSON.parse(readFileSync(dir.source, 'utf8')) as { baseCommit: string | null }).baseCommit;
    };
    expect(await commit()).toBeNull();
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'one');
    write({ 'notes.md': 'changed' });
    expect(await commit()).not.toBeNull();
    write({ 'train.mjs': `${TRAIN}// changed\n` });
    expect(await commit()).toBeNull();
  });
  test('is not told by a job of edited code', async () => {
    const { dir, exit } = await runOne(codeSpec({ overlay: patch(TRAIN.replace('3', '2')) }), { home });
    expect(existsSync(dir.source)).toBe(false);
    expect(exit.metric).toBe(2);
  });
  test.each([
    ['a'.repeat(MAX_EDITABLE_BYTES + 1), `more than ${MAX_EDITABLE_BYTES} bytes`],
    ['\u0001'.repeat(60_000), 'one frame'],
  ])('that cannot be told ends the job with the reason', async (content, words) => {
    write({ 'train.mjs': content });
    const { exit } = await runOne(codeSpec(), { home });
    expect(exit.reason).toBe('source_unavailable');
    expect(exit.detail).toContain(words);
  });
  test('that lacks a sealed file, or has a link in an editable one, is unavailable', async () => {
    const edit = { files: ['train.mjs'], sealed: ['gone.mjs'], artifacts: null };
    expect((await runOne(codeSpec({ edit }), { home })).exit).toMatchObject({ reason: 'source_unavailable' });
    rmSync(join(source, 'train.mjs'));
    symlinkSync('evaluate.mjs', join(source, 'train.mjs'));
    const { exit } = await runOne(codeSpec({ runId: 'another' }), { home });
    expect(exit.detail).toContain('train.mjs is a symbolic link');
  });
});

describe('a patch', () => {
  test('replaces, adds and deletes editable files, and nothing else', async () => {
    write({ 'model.mjs': 'export const w = 1;\n' });
    const list = `import { readdirSync } from 'node:fs';\nconsole.log(readdirSync('.').join(' '));\n${TRAIN}`;
    const { log } = await runOne(codeSpec({ overlay: patch(list) }), { home });
    expect(log.toString()).toContain('evaluate.mjs train.mjs\n');
    const added = await runOne(
      codeSpec({ overlay: [...patch(list), { path: 'model.mjs', content: 'export const w = 2;\n' }] }),
      { home },
    );
    expect(added.log.toString()).toContain('evaluate.mjs model.mjs train.mjs\n');
  });
  test('does not write through a link that setup made', async () => {
    const spec = codeSpec({
      setup: 'echo "shared" > model.mjs',
      overlay: [...patch(TRAIN), { path: 'model.mjs', content: 'mine' }],
    });
    const { dir, exit } = await runOne(spec, { home });
    expect(exit.reason).toBe('completed');
    expect(readFileSync(join(dir.work, 'model.mjs'), 'utf8')).toBe('mine');
    const base = join(home, 'cache', 'setup', exit.fingerprint['setup']?.split(' ')[0] ?? '');
    expect(readFileSync(join(base, 'model.mjs'), 'utf8')).toBe('shared\n');
  });
  test('that fails the evaluator is its own fault; a source that does is not', async () => {
    const broken = `import { writeFileSync } from 'node:fs';\nwriteFileSync('model.json', '{');\n`;
    expect((await runOne(codeSpec({ overlay: patch(broken) }), { home })).exit).toMatchObject({ reason: 'crash' });
    write({ 'train.mjs': broken });
    expect((await runOne(codeSpec({ runId: 'run-2' }), { home })).exit.reason).toBe('evaluator_failed');
  });
  test('of a script that is started by its name leaves it one', async () => {
    write({ 'train.sh': '#!/bin/sh\nexit 1\n' });
    chmodSync(join(source, 'train.sh'), 0o755);
    const edit = { files: ['train.sh'], sealed: [], artifacts: null };
    const overlay = [{ path: 'train.sh', content: '#!/bin/sh\necho val_loss: 4\n' }];
    const { exit } = await runOne(codeSpec({ train: './train.sh', evaluate: null, edit, overlay }), { home });
    expect(exit).toMatchObject({ reason: 'completed', metric: 4 });
  });
  test('that is the baseline laid over again is not blamed for an evaluator that fails', async () => {
    write({ 'evaluate.mjs': 'process.exit(2);\n' });
    const { exit } = await runOne(codeSpec({ role: 'audit', overlay: patch(TRAIN) }), { home });
    expect(exit.reason).toBe('evaluator_failed');
  });
  test('that crashes is quoted with its lines as they are, 3000 characters at most', async () => {
    const crash = `for (let i = 0; i < 200; i++) console.log('step', i, 'x'.repeat(40));\n  throw new TypeError('bad shape');\n`;
    const { exit } = await runOne(codeSpec({ overlay: patch(crash) }), { home });
    expect(exit.reason).toBe('crash');
    expect(exit.detail).toMatch(/\nTypeError: bad shape\n {4}at /);
    expect(exit.detail.length).toBeGreaterThan(2500);
    expect(exit.detail.length).toBeLessThan(3200);
  });
});

describe('what training leaves', () => {
  test('is, without declared artifacts, new files of data that the evaluator names or that are in a folder of their own', async () => {
    const train = `import { mkdirSync, writeFileSync } from 'node:fs';
mkdirSync('out');
for (const name of ['model.json', 'out/weights.bin', 'lie.mjs', 'package.json', '.hidden']) writeFileSync(name, '{"w":1}');
writeFileSync('notes.md', 'changed');
`;
    write({ 'notes.md': 'mine' });
    const { dir, log, exit } = await runOne(
      codeSpec({ edit: { files: ['train.mjs'], sealed: ['evaluate.mjs'], artifacts: null }, overlay: patch(train) }),
      { home },
    );
    expect(exit.metric).toBe(1);
    expect(existsSync(join(dir.evaluation, 'out', 'weights.bin'))).toBe(true);
    for (const name of ['lie.mjs', 'package.json', '.hidden'])
      expect(existsSync(join(dir.evaluation, name))).toBe(false);
    expect(readFileSync(join(dir.evaluation, 'notes.md'), 'utf8')).toBe('mine');
    expect(log.toString()).toContain('the evaluator is not given .hidden, lie.mjs, package.json');
    expect(log.toString()).toContain('training changed notes.md');
  });
  test('never enters a sealed folder, whether artifacts are declared or not', async () => {
    const train = `${TRAIN}writeFileSync('data/b.json', '{}');\n`;
    write({
      'data/a.json': '{}',
      'evaluate.mjs': `import { readdirSync } from 'node:fs';\nconsole.log('val_loss: ' + readdirSync('data').length);\n`,
    });
    for (const artifacts of [null, ['model.json'], ['model.json', 'data'], ['data/b.json']]) {
      const edit = { files: ['train.mjs'], sealed: ['evaluate.mjs', 'data'], artifacts };
      expect((await runOne(codeSpec({ edit, overlay: patch(train) }), { home })).exit.metric).toBe(1);
    }
  });
  test('may be a folder of plain files', async () => {
    const train = `import { mkdirSync, writeFileSync } from 'node:fs';
mkdirSync('out/deep', { recursive: true });
writeFileSync('out/deep/model.json', '{"w":4}');
`;
    write({ 'evaluate.mjs': EVALUATE.replace('model.json', 'out/deep/model.json') });
    const edit = { files: ['train.mjs'], sealed: ['evaluate.mjs'], artifacts: ['out/'] };
    expect((await runOne(codeSpec({ edit, overlay: patch(train) }), { home })).exit.metric).toBe(4);
  });
  test('is said where the baseline misses it', async () => {
    write({ 'evaluate.mjs': EVALUATE.replace("'model.json'", "['model', 'json'].join('.')") });
    const edit = { files: ['train.mjs'], sealed: ['evaluate.mjs'], artifacts: null };
    const { exit } = await runOne(codeSpec({ edit }), { home });
    expect(exit.reason).toBe('evaluator_failed');
    expect(exit.detail).toContain('it was not given model.json: see edit.artifacts');
  });
  test('is not measured by an evaluator that changes what is sealed; a cache beside it is no change', async () => {
    const evaluate = (line: string) =>
      write({ 'data/a.json': '{}', 'evaluate.mjs': `${EVALUATE}import { writeFileSync } from 'node:fs';\n${line}\n` });
    const edit = { files: ['train.mjs'], sealed: ['evaluate.mjs', 'data'], artifacts: ['model.json'] };
    evaluate(`writeFileSync('data/cache.bin', '');`);
    expect((await runOne(codeSpec({ runId: 'cache', edit }), { home })).exit.metric).toBe(3);
    evaluate(`writeFileSync('data/a.json', '{"w":0}');`);
    const { exit } = await runOne(codeSpec({ runId: 'change', edit }), { home });
    expect(exit).toMatchObject({ reason: 'sealed_files_changed', metric: null });
    expect(exit.detail).toContain("the evaluator changed the sealed data/a.json in the evaluator's folder");
  });
  test('is measured inside the edited file where there is no evaluator, and marked', async () => {
    const { exit } = await runOne(codeSpec({ evaluate: null, overlay: patch(`console.log('val_loss: 5');\n`) }), {
      home,
    });
    expect(exit).toMatchObject({ reason: 'completed', metric: 5, fingerprint: { sealing: 'unsealed' } });
  });
  test('is measured with the sealed files that the run began with, whatever a person does in the folder since', async () => {
    await runOne(codeSpec(), { home });
    write({ 'evaluate.mjs': `console.log('val_loss: 0');\n` });
    const { exit, log } = await runOne(codeSpec({ overlay: patch(TRAIN.replace('3', '2')) }), { home });
    expect(exit).toMatchObject({ metric: 2, fingerprint: { sourceFolder: 'changed: evaluate.mjs' } });
    expect(log.toString()).toContain('the source folder has changed (evaluate.mjs)');
    expect((await runOne(codeSpec({ runId: 'run-2' }), { home })).exit.metric).toBe(0);
  });
  test('is measured while the source folder is gone; what fails meanwhile is no evidence', async () => {
    for (const options of bwrap === null ? [{}] : [{}, sandboxed]) {
      const runId = `gone-${Object.keys(options).length}`;
      await runOne(codeSpec({ runId }), { home, ...options });
      renameSync(source, `${source}-away`);
      const { exit, log } = await runOne(codeSpec({ runId, overlay: patch(TRAIN) }), { home, ...options });
      expect(exit).toMatchObject({ reason: 'completed', metric: 3 });
      expect(log.toString()).toContain('the source folder has changed (the folder is gone)');
      const failed = await runOne(codeSpec({ runId, overlay: patch('process.exit(1)') }), { home, ...options });
      expect(failed.exit.reason).toBe('source_unavailable');
      renameSync(`${source}-away`, source);
      const crashed = await runOne(codeSpec({ runId, overlay: patch('process.exit(1)') }), { home, ...options });
      expect(crashed.exit.reason).toBe('crash');
    }
  });
  test('is not measured with other sealed files than those that the run is measured with elsewhere', async () => {
    const { exit } = await runOne(codeSpec({ sealedDigest: 'f'.repeat(64) }), { home });
    expect(exit).toMatchObject({ reason: 'sealed_files_changed', metric: null, phases: [] });
    expect(exit.detail).toContain('evaluate.mjs');
    const { sealed } = (await runOne(codeSpec({ runId: 'run-2' }), { home })).exit.fingerprint;
    expect((await runOne(codeSpec({ sealedDigest: sealed ?? '' }), { home })).exit.metric).toBe(3);
  });
  test('is not measured with an interpreter that loads more than it did for the first job of the run', async () => {
    const env = { HOME: home };
    const sitePackages = join(home, '.local', 'lib', 'python3.99', 'site-packages');
    await runOne(codeSpec(), { home, env });
    mkdirSync(sitePackages, { recursive: true });
    writeFileSync(join(sitePackages, 'usercustomize.py'), '');
    const { exit } = await runOne(codeSpec(), { home, env });
    expect(exit).toMatchObject({ reason: 'sealed_files_changed', metric: null, phases: [] });
    expect(exit.detail).toContain('usercustomize.py is not what it was');
  });
});

describe('a probe', () => {
  test('finds a crash before the budget is spent', async () => {
    const { exit, dir } = await runOne(codeSpec({ overlay: patch('nothing();\n'), probeMs: 10_000 }), { home });
    expect(exit).toMatchObject({ reason: 'crash', phases: [], metric: null });
    expect(exit.detail).toMatch(/^probe: training exited with code 1[^]*ReferenceError: nothing is not defined/);
    expect(existsSync(dir.phases)).toBe(false);
  });
  test('that goes on is ended, leaves nothing behind, and is followed by the whole', async () => {
    const train = `import { existsSync, writeFileSync } from 'node:fs';
console.log('val_loss: 9');
const seconds = Number(process.env.NIGHTSHIFT_BUDGET_SECONDS);
console.log('budget ' + seconds + ' ' + existsSync('trace'));
writeFileSync('trace', '');
if (seconds < 2) setInterval(() => {}, 50);
writeFileSync('model.json', JSON.stringify({ w: 6 }));
`;
    const { exit, log, metrics } = await runOne(codeSpec({ overlay: patch(train), probeMs: 1500 }), { home });
    expect(exit).toMatchObject({ reason: 'completed', metric: 6 });
    expect(exit.phases.map((phase) => phase.phase)).toEqual(['train', 'evaluate']);
    expect(log.toString()).toContain('budget 1.5 false\n');
    expect(log.toString()).toContain('budget 20 false\n');
    expect(metrics.map((point) => point.value)).toEqual([9, 6]);
  });
});

describe("the project's own interpreter", () => {
  const say = 'command -v python; echo "env=$VIRTUAL_ENV"; echo val_loss: 1';
  test('is found in the source folder, although it is no part of the source', async () => {
    write({ '.venv/bin/python': '#!/bin/sh\necho mine\n' });
    execFileSync('chmod', ['+x', join(source, '.venv/bin/python')]);
    const { log } = await runOne(jobSpec({ source: { kind: 'path', path: source }, train: say }), { home });
    expect(log.toString()).toContain(`${source}/.venv/bin/python\nenv=${source}/.venv\n`);
  });
  test('that is gone with its folder is replaced by no other one', async () => {
    write({ '.venv/bin/python': '', '.gitignore': '.venv\n' });
    const runId = 'venv';
    expect((await runOne(codeSpec({ runId }), { home })).exit.metric).toBe(3);
    rmSync(source, { recursive: true });
    const { exit } = await runOne(codeSpec({ runId, overlay: patch(TRAIN) }), { home });
    expect(exit).toMatchObject({ reason: 'source_unavailable', phases: [] });
    expect(exit.detail).toContain('is gone with its source folder');
  });
  test('is the one that setup made, if it made one', async () => {
    write({ '.venv/bin/python': '#!/bin/sh\n' });
    const setup = 'mkdir -p .venv/bin && cp /bin/sh .venv/bin/python';
    const { log } = await runOne(jobSpec({ source: { kind: 'path', path: source }, setup, train: say }), { home });
    expect(log.toString()).toMatch(/cache\/setup\/[0-9a-f]{32}\/\.venv\/bin\/python\n/);
  });
  test('is hinted at where uv locks a project and nothing uses uv', async () => {
    write({ 'uv.lock': '' });
    const job = (train: string) => runOne(jobSpec({ source: { kind: 'path', path: source }, train }), { home });
    expect((await job('echo val_loss: 1')).log.toString()).toContain('[nightshift] this project has a uv.lock');
    expect((await job('true || uv run train.py; echo val_loss: 1')).log.toString()).not.toContain('uv.lock');
  });
});

describe.runIf(bwrap !== null)('in the sandbox', () => {
  test('a program is asked by INT at its budget and ends well, as outside', async () => {
    const train = `import { writeFileSync } from 'node:fs';
process.on('SIGINT', () => { writeFileSync('model.json', '{"w":7}'); process.exit(0); });
setInterval(() => {}, 50);
`;
    const { exit } = await runOne(codeSpec({ overlay: patch(train), budgetMs: 1500, graceMs: 10_000 }), {
      home,
      ...sandboxed,
    });
    expect(exit).toMatchObject({
      reason: 'completed',
      metric: 7,
      fingerprint: { sandbox: 'bwrap', sealing: 'sealed' },
    });
    expect(exit.phases[0]).toMatchObject({ clock: 'budget', stoppedBy: ['INT'], exitCode: 0 });
  });
  test.each([
    ['process.exit(3)', 'crash', { exitCode: 3 }],
    [`process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 50)`, 'killed', { exitCode: 139 }],
  ])('%s → %s', async (train, reason, fields) => {
    const { exit } = await runOne(codeSpec({ overlay: patch(train) }), { home, ...sandboxed });
    expect(exit).toMatchObject({ reason, leftPids: [], ...fields });
  });
  test('its own folder is writable and the rest is not; processes of others are not seen', async () => {
    const train = `import { readdirSync, writeFileSync } from 'node:fs';
for (const path of ['/usr/x', process.env.HOME + '/x', process.env.NIGHTSHIFT_SOURCE + '/x', '../x'])
  try { writeFileSync(path, ''); console.log('wrote', path); } catch {}
writeFileSync('/tmp/x', '');
console.log('pids ' + (readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length < 6));
${TRAIN.replace("import { writeFileSync } from 'node:fs';", '')}`;
    const { log, exit } = await runOne(codeSpec({ overlay: patch(train) }), { home, ...sandboxed });
    expect(log.toString()).toContain('pids true');
    expect(log.toString()).not.toContain('wrote');
    expect(exit.metric).toBe(3);
  });
  test('uv is told to use the environment as it is, and that it can install nothing', async () => {
    write({ 'uv.lock': '' });
    const uv = async (setup: string | null) => {
      const train = 'env | grep ^UV_ | sort; : || uv run x; node train.mjs';
      const { log } = await runOne(codeSpec({ setup, train, overlay: patch(TRAIN) }), { home, ...sandboxed });
      return log.toString();
    };
    expect(await uv(null)).toMatch(
      /in the sandbox uv can install nothing[^]*UV_CACHE_DIR=\/tmp\/cache\/uv\nUV_OFFLINE=1\n/,
    );
    const made = await uv('mkdir -p .venv/bin && cp /bin/sh .venv/bin/python');
    expect(made).toMatch(/UV_NO_SYNC=1\nUV_OFFLINE=1\nUV_PROJECT_ENVIRONMENT=.*cache\/setup\/.*\/\.venv\n/);
    expect(made).not.toContain('[nightshift] this project');
  });
  test('the network is for the evaluator alone when the spec says so', async () => {
    const links = `import { networkInterfaces } from 'node:os';\nconsole.log('links ' + (Object.keys(networkInterfaces()).length > 1));\n`;
    write({ 'evaluate.mjs': `${links}${EVALUATE}` });
    const hasLinks = /^ *(?!lo:)\w+:/m.test(readFileSync('/proc/net/dev', 'utf8').split('\n').slice(2).join('\n'));
    const { log } = await runOne(
      codeSpec({ overlay: patch(`${links}${TRAIN}`), env: { NIGHTSHIFT_NETWORK: 'evaluate' } }),
      { home, ...sandboxed },
    );
    expect(log.toString().match(/links \w+/g)).toEqual(['links false', `links ${hasLinks}`]);
  });
});

test('an owner who requires a sandbox gets no edited code without one', async () => {
  const sandbox = {
    ...testOptions('').sandbox,
    isRequired: true,
    problem: 'bubblewrap is not installed; fix: install it',
  };
  const { exit } = await runOne(codeSpec({ overlay: patch(TRAIN) }), { home, options: { sandbox } });
  expect(exit).toMatchObject({ reason: 'agent_refused', phases: [] });
  expect(exit.detail).toContain('install it');
});
