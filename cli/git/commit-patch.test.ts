import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitPatch } from './commit-patch.js';

let folder: string;
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder, encoding: 'utf8' }).trim();
function commit(...paths: string[]): string {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${Math.random()}\n`);
  }
  git('add', '-A');
  git('commit', '--quiet', '--allow-empty', '-m', 'A change\n\nAnd why.');
  return git('rev-parse', 'HEAD');
}
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightshift-commit-patch-'));
  git('init', '--quiet', '-b', 'main');
  commit('train.py', 'eval/score.py', 'notes.md');
});
afterAll(() => rmSync(folder, { recursive: true }));

const EDIT = { files: ['train.py'], sealed: ['eval'] };

describe('the patch of a commit', () => {
  it('is what it changes in the editable files, with its words and what is left out', async () => {
    const id = commit('train.py', 'notes.md');
    expect(await commitPatch(folder, id, EDIT)).toMatchObject({
      subject: 'A change',
      body: 'And why.',
      diff: expect.stringMatching(/^diff --git a\/train\.py b\/train\.py\n/),
      left: ['notes.md'],
    });
  });

  it.each([
    [
      ['eval/score.py', 'notes.md'],
      /changes eval\/score\.py, which the run seals$/,
      /the rail paths .* train\.py and nothing else/,
    ],
    [['notes.md', 'b.md'], /changes b\.md, notes\.md and none of the editable files$/, /the rail paths/],
    [['1', '2', '3', '4', '5'], /changes 1, 2, 3 and 2 more and none/, /the rail paths/],
    [[], /changes nothing in this folder, and none of the editable files \(train\.py\)$/, /--repo/],
  ])('is none where it changes %j: it says what it does change', async (paths, message, hint) => {
    await expect(commitPatch(folder, commit(...paths), EDIT)).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});
