import { describe, expect, it } from 'vitest';
import { parseMenu, type Knob, type KnobValue } from '@nightshift/protocol';
import { railRange } from './rail-range.js';

const { knobs } = parseMenu({
  knobs: {
    layers: { type: 'int', range: [2, 8], default: 4 },
    rate: { type: 'float', range: [-1, 1], default: 0.1 },
    heads: { type: 'int', choices: [1, 2, 4], default: 2 },
    kind: { type: 'str', choices: ['a', 'b'], default: 'a' },
    flag: { type: 'bool', default: false },
  },
});
const range = (name: string, value: KnobValue) => railRange(name, value, knobs[name] as Knob);

describe('rail range', () => {
  it('passes the bounds, what is between them, and every choice', () => {
    const legal: [string, KnobValue[]][] = [
      ['layers', [2, 5, 8]],
      ['rate', [-1, -0.5, 0, 1]],
      ['heads', [1, 2, 4]],
      ['kind', ['a', 'b']],
      ['flag', [true, false]],
    ];
    for (const [name, values] of legal) for (const value of values) expect(range(name, value)).toBeNull();
  });

  it('blocks what is over a bound, between choices, not finite or not exact', () => {
    const illegal: [string, KnobValue[]][] = [
      ['layers', [1, 9, 4.5, NaN, Infinity, 2 ** 53]],
      ['rate', [-1.0000000000000002, 1.0000000000000002, NaN, Infinity, -Infinity]],
      ['heads', [0, 3, 2.5]],
      ['kind', ['A', 'a ', '', 'constructor']],
    ];
    for (const [name, values] of illegal)
      for (const value of values) expect(range(name, value), `${name} ${value}`).not.toBeNull();
  });

  it('coerces nothing', () => {
    const illegal: [string, KnobValue[]][] = [
      ['layers', ['4', true, false]],
      ['rate', ['0.1', true]],
      ['heads', ['2', true]],
      ['kind', [1, true]],
      ['flag', [0, 1, 'true', '']],
    ];
    for (const [name, values] of illegal)
      for (const value of values) expect(range(name, value), `${name} ${value}`).not.toBeNull();
  });

  it('says what would be legal', () => {
    expect(range('layers', 9)).toBe('layers: 9 is out of bounds. Legal: a whole number from 2 to 8.');
    expect(range('layers', '4')).toBe('layers: needs int, got string "4". Legal: a whole number from 2 to 8.');
    expect(range('kind', 'c')).toBe('kind: "c" is not a choice. Legal: one of "a", "b".');
  });
});
