import { describe, expect, it } from 'vitest';
import { parseMenu, type Knob } from '@nightshift/protocol';
import { railNoop } from './rail-noop.js';

const { knobs } = parseMenu({
  knobs: {
    layers: { type: 'int', range: [0, 8], default: 4 },
    kind: { type: 'str', choices: ['a', 'b', 'c'], default: 'a' },
  },
});
const layers = knobs['layers'] as Knob;
const kind = knobs['kind'] as Knob;

describe('rail noop', () => {
  it('looks at the configuration that is compared with, not at the default', () => {
    expect(railNoop('layers', 4, layers, { layers: 6, kind: 'a' })).toBeNull();
    expect(railNoop('layers', 6, layers, { layers: 6, kind: 'a' })).toBe(
      'layers is 6 already, so nothing would change. Choose another: a whole number from 0 to 8.',
    );
  });

  it('knows -0 from nothing else', () => {
    expect(railNoop('layers', 0, layers, { layers: -0, kind: 'a' })).not.toBeNull();
  });

  it('offers the other choices only', () => {
    expect(railNoop('kind', 'a', kind, { layers: 4, kind: 'a' })).toContain('one of "b", "c".');
  });

  it('passes a knob that the comparator does not have', () => {
    expect(railNoop('layers', 4, layers, { kind: 'a' })).toBeNull();
  });
});
