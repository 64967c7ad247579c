import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { removeTree, removeTreeSync } from './remove-tree.js';

/** Some 20,000 bytes deep: five times what a path may have. */
const NEST = `import os
os.mkdir("deep"); os.chdir("deep")
for i in range(100):
    for name in ("e", "d" * 200):
        os.mkdir(name)
    open(b"not UTF-8: \\xff", "w").close()
    os.symlink("/", "link")
    os.chdir("d" * 200)
open("f", "w").write("x")
`;

test.each([
  ['at once', (path: string) => Promise.resolve(removeTreeSync(path))],
  ['beside other work', removeTree],
])('a tree that no path reaches the bottom of is deleted %s, and nothing that it links to', async (_, remove) => {
  const folder = temporaryFolder('tree');
  const outside = join(folder, 'outside');
  const tree = join(folder, 'tree');
  mkdirSync(outside);
  writeFileSync(join(outside, 'kept'), 'kept');
  mkdirSync(join(tree, 'locked'), { recursive: true });
  writeFileSync(join(tree, 'locked', 'file'), '');
  chmodSync(join(tree, 'locked'), 0o500);
  symlinkSync(outside, join(tree, 'link'));
  execFileSync('python3', ['-c', NEST], { cwd: tree });
  expect(await remove(tree)).toEqual([]);
  expect(readdirSync(folder)).toEqual(['outside']);
  expect(readFileSync(join(outside, 'kept'), 'utf8')).toBe('kept');
});
test('a link, a file and what is not there are deleted as such', async () => {
  const folder = temporaryFolder('tree');
  const path = join(folder, 'link');
  symlinkSync(folder, path);
  expect(await removeTree(path)).toEqual([]);
  expect(removeTreeSync(path)).toEqual([]);
  expect(existsSync(folder)).toBe(true);
});
