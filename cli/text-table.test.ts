import { describe, expect, it } from 'vitest';
import { fit, textTable } from './text-table.js';

describe('textTable', () => {
  it('puts numbers to the right and text to the left', () => {
    expect(
      textTable(
        ['name', 'n>'],
        [
          ['a', '1'],
          ['long name', '100'],
        ],
        80,
      ),
    ).toBe(['name         n', 'a            1', 'long name  100', ''].join('\n'));
  });

  it('is never wider than asked, and cuts the widest column of text first', () => {
    const text = textTable(['id', 'short', 'reason'], [['run_1', 'abc', 'x'.repeat(200)]], 40);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(40);
    expect(text).toContain('run_1');
    expect(text).toContain('abc');
    expect(text).toContain('…');
  });

  it('takes control characters out of what others wrote', () => {
    expect(textTable(['a'], [['\u001b[31mred\r\nnext']], 80)).toBe('a\n[31mred next\n');
  });
});

describe('fit', () => {
  it('counts characters, not halves of them', () => {
    expect(fit('😀😀😀', 2)).toBe('😀…');
    expect(fit('a', 3, true)).toBe('  a');
  });
});
