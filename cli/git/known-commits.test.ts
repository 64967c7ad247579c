import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { treeHash } from '@nightshift/control-plane/patch/hash';
import { filesAt, knownCommits, placeOf, type Place } from './known-commits.js';

let folder: string;
let place: Place;
const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder, encoding: 'utf8' }).trim();
function commit(files: Record<string, string>): string {
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
  git('add', '-A');
  git('commit', '--quiet', '--allow-empty', '-m', 'x');
  return git('rev-parse', 'HEAD');
}
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nightshift-known-commits-'));
  git('init', '--quiet', '-b', 'main');
  place = (await placeOf(folder, true)) as Place;
});
afterAll(() => rmSync(folder, { recursive: true }));

const PATHS = ['a b.py', 'c.py'];

describe('what a repository knows of commits', () => {
  it('is their whole id, what they changed, and what their files hash to', async () => {
    const first = commit({ 'a b.py': 'é = 1\n', other: 'x' });
    const second = commit({ 'a b.py': 'é = 2\n', 'c.py': `${first} ${first}\n` });
    const third = commit({ other: 'y' });
    const names = [first, second.slice(0, 7), third, 'main', '0'.repeat(40), 'f'.repeat(7)];
    const known = await knownCommits(place, names, PATHS);
    expect([...known.keys()]).toEqual([first, second.slice(0, 7), third]);
    const files = [
      { path: 'a b.py', content: 'é = 2\n' },
      { path: 'c.py', content: `${first} ${first}\n` },
    ];
    expect(known.get(first)).toEqual({
      id: first,
      diff: null,
      codeKey: treeHash([{ path: 'a b.py', content: 'é = 1\n' }]),
    });
    expect(known.get(second.slice(0, 7))).toMatchObject({ id: second, codeKey: treeHash(files) });
    expect(known.get(second.slice(0, 7))?.diff).toMatch(/^diff --git a\/a b\.py b\/a b\.py\n[^]*-é = 1\n\+é = 2\n/);
    expect(known.get(third)).toEqual({ id: third, diff: null, codeKey: treeHash(files) });
    expect(await filesAt(place, second, [...PATHS, 'gone.py'])).toEqual(files);
  });

  it('is asked of a handful of processes, not of some for each commit', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'nightshift-counted-git-'));
    const [log, real] = [join(bin, 'log'), execFileSync('which', ['git'], { encoding: 'utf8' }).trim()];
    writeFileSync(join(bin, 'git'), `#!/bin/sh\necho "$1" >> '${log}'\nexec '${real}' "$@"\n`);
    chmodSync(join(bin, 'git'), 0o755);
    const ids = Array.from({ length: 80 }, (_, i) => commit({ 'c.py': `x = ${i}\n` }));
    const path = process.env.PATH;
    process.env.PATH = `${bin}${delimiter}${path}`;
    try {
      const known = await knownCommits(place, ids, PATHS);
      expect(known.size).toBe(80);
      for (const [i, id] of ids.entries()) expect(known.get(id)?.diff).toContain(`+x = ${i}\n`);
      expect(existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').length : 0).toBe(10);
    } finally {
      process.env.PATH = path;
      rmSync(bin, { recursive: true });
    }
  });
});
