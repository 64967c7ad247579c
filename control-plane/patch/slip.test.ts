import { describe, expect, it } from 'vitest';
import { MAX_EXCERPT_CHARS, readSlip } from './slip.js';

const trace = (error: string) =>
  `step 1\nTraceback (most recent call last):\n  File "train.py", line 7, in <module>\n    y = f(x)\n        ^^^^\n${error}\n`;

describe('readSlip', () => {
  it('tells slips of Python from failures that more tries do not mend', () => {
    const kinds: [string, string, boolean][] = [
      ["NameError: name 'widht' is not defined", 'name', true],
      ["AttributeError: module 'torch' has no attribute 'gelu'", 'name', true],
      ["SyntaxError: '(' was never closed", 'syntax', true],
      ["ModuleNotFoundError: No module named 'x'", 'import', true],
      ['RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x8 and 16x2)', 'shape', true],
      [
        'RuntimeError: The size of tensor a (8) must match the size of tensor b (16) at non-singleton dimension 1',
        'shape',
        true,
      ],
      ['ValueError: operands could not be broadcast together with shapes (2,) (3,)', 'shape', true],
      ["TypeError: f() got an unexpected keyword argument 'x'", 'type', true],
      ["KeyError: 'lr'", 'key', true],
      ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB', 'memory', false],
      ['torch.cuda.OutOfMemoryError: CUDA out of memory.', 'memory', false],
      ['RuntimeError: CUDA error: device-side assert triggered', 'other', false],
      ['KeyboardInterrupt', 'other', false],
    ];
    for (const [error, kind, isSlip] of kinds) expect(readSlip(trace(error)), error).toMatchObject({ kind, isSlip });
    expect(readSlip(trace("NameError: name 'x' is not defined")).excerpt).toMatch(/^Traceback[\s\S]*defined$/);
  });

  it('reads a stack of Node', () => {
    const stack =
      'file:///w/train.mjs:9\nconst y = f(x);\n          ^\n\nReferenceError: f is not defined\n    at file:///w/train.mjs:9:11\n    at node:internal/x:1:1\n\nNode.js v20.20.2\n';
    expect(readSlip(stack)).toMatchObject({ kind: 'name', isSlip: true });
    expect(readSlip(stack).excerpt).toMatch(/^file:[\s\S]*internal/);
    expect(
      readSlip("Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'x' imported from /w/train.mjs\n    at y\n"),
    ).toMatchObject({ kind: 'import' });
    expect(
      readSlip("SyntaxError: The requested module './a.mjs' does not provide an export named 'b'\n"),
    ).toMatchObject({ kind: 'syntax' });
  });

  it('is bounded, and knows when there is no error', () => {
    expect(readSlip('step 1\nstep 2\n')).toEqual({ isSlip: false, kind: 'other', excerpt: 'step 1\nstep 2' });
    expect(readSlip('')).toEqual({ isSlip: false, kind: 'other', excerpt: '' });
    const long = readSlip(trace(`NameError: ${'x'.repeat(100_000)}`));
    expect(long.excerpt.length).toBeLessThanOrEqual(MAX_EXCERPT_CHARS);
    expect(readSlip(`\u001b[31m${trace("NameError: name 'x' is not defined")}\u001b[0m`).excerpt).not.toContain(
      '\u001b',
    );
  });
});
