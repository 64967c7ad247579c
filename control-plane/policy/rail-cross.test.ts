import { describe, expect, it } from 'vitest';
import { compileConstraints, parseMenu } from '@nightshift/protocol';
import { railCross } from './rail-cross.js';

const { knobs } = parseMenu({
  knobs: { width: { type: 'int', range: [0, 64], default: 8 }, heads: { type: 'int', range: [0, 8], default: 2 } },
});
const rule = (id: string, text: string, doc = '') => ({ id, rule: text, doc });
const compile = (...constraints: ReturnType<typeof rule>[]) => compileConstraints({ knobs, constraints });

describe('rail cross', () => {
  it('passes a configuration that every constraint allows', () => {
    expect(railCross({ width: 8, heads: 4 }, compile(rule('even', 'width % heads == 0')))).toBeNull();
    expect(railCross({ width: 8, heads: 4 }, compile())).toBeNull();
  });

  it('names the constraint, its rule and the values that break it', () => {
    expect(
      railCross({ width: 8, heads: 3 }, compile(rule('even', 'width % heads == 0', 'heads share the width'))),
    ).toBe('breaks even: needs width % heads == 0, but would have width = 8, heads = 3. (heads share the width)');
  });

  it('names the other constraints that are broken', () => {
    const both = compile(rule('even', 'width % heads == 0'), rule('wide', 'width > 32'));
    expect(railCross({ width: 8, heads: 3 }, both)).toContain('Also broken: wide.');
  });

  it('blocks when a constraint cannot be evaluated', () => {
    expect(railCross({ width: 8, heads: 0 }, compile(rule('even', 'width % heads == 0')))).toContain(
      'even (width % heads == 0) cannot be evaluated with width = 8, heads = 0',
    );
    expect(railCross({ heads: 2 }, compile(rule('even', 'width % heads == 0')))).toContain('cannot be evaluated');
    expect(railCross({ width: 8.5, heads: 2 }, compile(rule('even', 'width % heads == 0')))).toContain(
      'cannot be evaluated',
    );
  });

  it('blocks everything while a constraint does not compile', () => {
    expect(railCross({ width: 8, heads: 2 }, compile(rule('typo', 'widht > 1')))).toContain(
      'the constraint typo of the menu cannot be used',
    );
  });
});
