import { describe, expect, it } from 'vitest';
import { complexityOf } from './complexity.js';

describe('complexityOf', () => {
  it('counts the branches of Python', () => {
    expect(complexityOf('a.py', 'x = 1\n')).toBe(1);
    expect(complexityOf('a.py', 'if a and b or c:\n    pass\nelif d:\n    x = 1 if e else 2\n')).toBe(6);
    expect(complexityOf('a.py', 'for i in [j for j in k if j]:\n    while i:\n        break\n')).toBe(5);
    expect(complexityOf('a.py', 'match x:\n    case 1:\n        pass\n    case _:\n        pass\ncase = 2\n')).toBe(3);
  });

  it('counts the branches of JavaScript and TypeScript', () => {
    expect(complexityOf('a.mjs', 'const x = a ? b : c ?? d;')).toBe(3);
    expect(complexityOf('a.ts', 'for (const x of y as number[]) { if (x && y) try { f(); } catch { g(); } }')).toBe(5);
    expect(complexityOf('a.js', 'switch (x) { case 1: case 2: break; default: }')).toBe(3);
  });

  it('has no figure for what is no code', () => {
    expect(complexityOf('a.json', '{}')).toBeNull();
    expect(complexityOf('a.py', 'if')).toBeNull();
  });
});
