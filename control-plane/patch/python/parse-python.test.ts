import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePython } from './parse-python.js';

const problem = (source: string) => {
  const read = parsePython(source);
  return 'problem' in read ? `${read.line}: ${read.problem}` : null;
};

describe('parsePython', () => {
  it('takes what Python takes', () => {
    const sources = [
      'x: int = 3; y = *a, b\n',
      'with (open("a") as f, open("b") as (g, h)): pass\n',
      'with (a, b) as c, (d): pass\n',
      'def f(a, /, b=1, *args: int, c, **kw) -> "x": yield\n',
      'x = yield_ if not a else lambda *, k=1: (yield)\n',
      'f"{x!r:>{w}} {{}} {a[\'b\']} {c=}"\nrb"\\x".decode()\n',
      'f"{x["a"]}"\n',
      'match = 1; match[0] = case = type = _ = 2\nprint(match)\n',
      'match x, y:\n  case [1, *_, {"a": b, **r}] | K(p=1) as z if z: pass\n  case -1j | a.b | ([2, {}] | 3): pass\n',
      'try:\n  pass\nexcept* (A, B) as e:\n  pass\nelse:\n  pass\nfinally:\n  pass\n',
      'async def f():\n  async with a as b:\n    return [x async for x in y if await x]\n',
      'class A[T: int](B, metaclass=C):\n  @d.e(1)\n  def f(self): nonlocal_ = 1\n',
      'type X[T] = list[T]\n',
      'a[1:2, ::3, *b] = {**c, 1: 2}, {*d, 3}, (e := 4)\n',
      'if a: pass\nelif b: pass\nelse:\n\n  # note\n  pass\n',
      'x = (\n  1 +\n# in brackets\n  2)\nx \\\n  = 1\n',
      '\ufeffx = 1',
      '# -*- coding: utf-8 -*-\n',
      'ｘ = 0xFF_FF + 1_0.5e-3j + .5 + 0o17 + 00\n',
      '',
    ];
    for (const source of sources) expect(problem(source), source).toBeNull();
  });

  it('refuses what Python refuses, and says where', () => {
    const sources = [
      'x = (1,\n',
      'def f()\n  pass\n',
      ' x = 1\n',
      'if a:\nx\n',
      'if a:\n    x\n  y\n',
      'if a:\n\tx\n        y\n',
      'print "x"\n',
      "x = 'a\n",
      'f(a=1, 2)\n',
      'f(a=1, a=2)\n',
      'def f(a, a): pass\n',
      'def f(a=1, b): pass\n',
      'f() = 1\n',
      'x + 1 = 2\n',
      'a <> b\n',
      'x = 012\n',
      '1abc\n',
      'return 1\n',
      'break\n',
      'class A:\n  return 1\n',
      'try:\n  pass\n',
      'f"{a"\n',
      'f"{}"\n',
      '"a" b"c"\n',
      'x = }\n',
      'del f()\n',
      'import\n',
      'from x import\n',
      'from . import (a, b\n',
      'a b\n',
      'else:\n  pass\n',
      'x = 1 if 2\n',
      'lambda x\n',
      '# a\rimport os\n',
      '# coding: utf-7\n',
      'x = "\0"\n',
      'async x\n',
      '$\n',
    ];
    for (const source of sources) expect(problem(source), source).toMatch(/^[12345]: ./);
  });

  it('bounds what is nested, and never throws', () => {
    expect(problem(`x = ${'('.repeat(10_000)}`)).toContain('too deeply');
    expect(problem(`x = ${'not '.repeat(10_000)}1`)).toContain('too deeply');
    expect(problem(`x = ${'-'.repeat(10_000)}1`)).toContain('too deeply');
    expect(problem(`x = ${'f"{'.repeat(3000)}1${'}"'.repeat(3000)}`)).not.toBeNull();
    expect(problem(`x = ${'1 + '.repeat(20_000)}1`)).toBeNull();
    expect(problem(`x = a${'.b'.repeat(20_000)}`)).toBeNull();
    const word = fc.constantFrom(
      'if',
      'x',
      ':',
      '\n',
      '    ',
      '(',
      ')',
      '"',
      "f'",
      '{',
      '}',
      '=',
      'def',
      'match',
      'case',
      '*',
      ',',
      '\\',
      '#',
      '1',
      '.',
      'lambda',
      'for',
      'in',
      '@',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => void parsePython(words.join(' '))),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => void parsePython(text)),
      { numRuns: 1000 },
    );
  });
});
