import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { mayHandOver } from './handed-over.js';

const EVALUATE = `load("model.json"); load("./best.yaml"); load("runs/last.pt"); load("my-other.json"); glob("data/*.json")\n`;

function handsOver(files: Record<string, string> = {}, evaluate = 'python evaluate.py'): (path: string) => boolean {
  const folder = temporaryFolder('evaluation');
  for (const [path, content] of Object.entries({ 'evaluate.py': EVALUATE, 'train.py': '"deno.json"', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return mayHandOver(folder, { files: ['train.py'], sealed: ['evaluate.py', 'data'], artifacts: null }, evaluate);
}

describe('without a list of artifacts, what is handed over', () => {
  test.each(['model.pt', 'weights.safetensors', 'predictions.npz', 'out/config.json', 'out/deep/model-0.bin'])(
    'has %s, of a format that is data and beside nothing of the source',
    (path) => expect(handsOver()(path)).toBe(true),
  );
  test.each(['model.json', 'best.yaml', 'runs/last.pt'])("has %s, which the evaluator's code names", (path) => {
    expect(handsOver({ 'vocab.json': '', 'runs/.gitkeep': '' })(path)).toBe(true);
  });
  test('has what the evaluate command names', () => {
    expect(handsOver({}, 'python evaluate.py --predictions=said.txt')('said.txt')).toBe(true);
  });
  test.each([
    'package.json',
    'deno.json',
    'jsconfig.json',
    'requirements.txt',
    'CMakeLists.txt',
    'config.yaml',
    'other.json',
  ])('lacks %s, which a tool may take for its configuration and no evaluator names', (path) =>
    expect(handsOver()(path)).toBe(false),
  );
  test.each(['GNUmakefile', 'justfile', 'bunfig.toml', 'uv.toml', 'json.py', 'lib.so.1', 'x.pth', 'run.exe', 'notes'])(
    'lacks %s, whatever it may be',
    (path) => expect(handsOver({ 'evaluate.py': `${EVALUATE}"${path}"` })(path)).toBe(false),
  );
  test.each([
    '.cache/model.pt',
    'out/.x/model.pt',
    'x.dist-info/entry_points.txt',
    'node_modules/x/model.pt',
    '.model.pt',
  ])('lacks %s, where tools keep what is theirs', (path) => expect(handsOver()(path)).toBe(false));
  test.each(['data/z.json', 'data/more/z.bin'])('lacks %s in a sealed folder, named or not', (path) => {
    expect(handsOver({ 'data/a.json': '', 'evaluate.py': `"${path}"` })(path)).toBe(false);
  });
  test.each(['shards/b.npy', 'val-2.npy'])('lacks %s beside data of the source that a pattern may match', (path) => {
    expect(handsOver({ 'shards/a.npy': '', 'val-1.npy': '' })(path)).toBe(false);
  });
});
