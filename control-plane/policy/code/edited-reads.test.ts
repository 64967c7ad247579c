import { describe, expect, test } from 'vitest';
import { editedReads } from './edited-reads.js';

const reads = (evaluate: string, files: Record<string, string>, edited = ['train.py']) =>
  editedReads({
    evaluate,
    edited,
    sealed: ['evaluate.py', 'evaluate.mjs'],
    files: Object.entries(files).map(([path, content]) => ({ path, content })),
  });

describe('an evaluator in Python', () => {
  test.each([
    ['import train', true],
    ['from train import Model', true],
    ['def f():\n    import train as t\n', true],
    ['import importlib\nmodel = importlib.import_module("train")', true],
    ['import runpy\nrunpy.run_path("./train.py")', true],
    ['exec(open("train.py").read())', true],
    ['import subprocess\nsubprocess.run(["python", "train.py"])', true],
    ['import training\nsplit = "train"\n', false],
    ['# import train\n"""import train"""\nimport json', false],
    ['this is no Python', false],
  ])('%j reads the edited train.py: %s', (content, isRead) => {
    expect(reads('uv run evaluate.py', { 'evaluate.py': content })).toEqual(isRead ? ['train.py'] : []);
  });
  test('is followed through its own modules and packages', () => {
    const files = {
      'evaluate.py': 'from lib import score\n',
      'lib/__init__.py': '',
      'lib/score.py': 'from .models import build\n',
      'lib/models.py': 'from ..train import Model\n',
    };
    expect(reads('python evaluate.py', files)).toEqual(['train.py']);
    expect(reads('python evaluate.py', { ...files, 'lib/models.py': 'x = 1\n' })).toEqual([]);
    expect(reads('python -m lib.score', files)).toEqual(['train.py']);
    expect(reads('python -m lib.score', { 'lib/score.py': 'import lib.train' }, ['lib/train.py'])).toEqual([
      'lib/train.py',
    ]);
  });
});

test('an evaluator in JavaScript is followed the same way', () => {
  const edited = ['src/train.mjs'];
  const js = (content: string) => reads('node evaluate.mjs', { 'evaluate.mjs': content }, edited);
  expect(js(`import { model } from './src/train.mjs';`)).toEqual(edited);
  expect(js(`const { model } = await import('./src/train.mjs');`)).toEqual(edited);
  expect(js(`export * from './src/train.mjs';`)).toEqual(edited);
  expect(js(`import { readFileSync } from 'node:fs'; eval(readFileSync('src/train.mjs', 'utf8'));`)).toEqual(edited);
  expect(js(`import { model } from 'train';`)).toEqual([]);
  const files = { 'evaluate.mjs': `require('./model');`, 'model.ts': `import './src/train.js'` };
  expect(reads('node evaluate.mjs', files, ['src/train.ts'])).toEqual(['src/train.ts']);
});

test('a command that runs an edited file reads it, and one that names no file begins with the sealed ones', () => {
  expect(reads('python ./train.py --evaluate', {})).toEqual(['train.py']);
  expect(reads('make evaluate', { 'evaluate.py': 'import train', 'other.py': '' })).toEqual(['train.py']);
  expect(reads('make evaluate', { 'evaluate.py': '', 'other.py': 'import train' })).toEqual([]);
});
