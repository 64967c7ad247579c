import { describe, expect, it } from 'vitest';
import { parseMenu } from '@nightshift/protocol';
import { railMenu } from './rail-menu.js';

const menu = parseMenu({
  knobs: { batch_size: { type: 'int', range: [1, 8], default: 4 }, lr: { type: 'float', range: [0, 1], default: 0.1 } },
});

describe('rail menu', () => {
  it('passes the knobs of the menu', () => {
    expect(railMenu('batch_size', menu)).toBeNull();
    expect(railMenu('lr', menu)).toBeNull();
  });

  it('blocks every other name, inherited ones included', () => {
    for (const name of ['', 'LR', 'lr ', 'lr\u200b', 'constructor', '__proto__', 'toString', 'hasOwnProperty', '0'])
      expect(railMenu(name, menu)).toContain('is not a knob of the menu');
  });

  it('names the knob that was probably meant, and all that there are', () => {
    expect(railMenu('BatchSize', menu)).toBe(
      '"BatchSize" is not a knob of the menu. Did you mean batch_size? Knobs: batch_size, lr.',
    );
  });

  it('shows look-alike letters as escapes, so that the difference can be seen', () => {
    expect(railMenu('b\u0430tch_size', menu)).toContain('"b\\u0430tch_size"');
  });
});
