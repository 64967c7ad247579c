import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { runGit } from './run-git.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

const SET = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE'];
const before = SET.map((name) => process.env[name]);
afterEach(() => {
  SET.forEach((name, at) => {
    if (before[at] === undefined) delete process.env[name];
    else process.env[name] = before[at];
  });
});

function repository(): string {
  const folder = temporaryFolder('git');
  execFileSync('git', ['init', '-q'], { cwd: folder });
  return folder;
}

test('the folder says which repository it is, whatever the agent was started in', async () => {
  const ours = repository();
  const other = repository();
  process.env['GIT_DIR'] = join(other, '.git');
  process.env['GIT_WORK_TREE'] = other;
  process.env['GIT_INDEX_FILE'] = join(other, 'an-index');
  const { code, stdout } = await runGit(['rev-parse', '--show-toplevel', '--absolute-git-dir'], { cwd: ours });
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${ours}\n${join(ours, '.git')}\n` });
});

test('what a caller sets itself is kept', async () => {
  const ours = repository();
  const env = { GIT_DIR: join(ours, '.git') };
  const { stdout } = await runGit(['rev-parse', '--absolute-git-dir'], { cwd: tmpdir(), env });
  expect(stdout).toBe(`${join(ours, '.git')}\n`);
});
