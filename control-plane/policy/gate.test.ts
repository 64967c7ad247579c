import { describe, expect, it } from 'vitest';
import { compileConstraints, configKey, defaultConfig, parseMenu, RAILS } from '@nightshift/protocol';
import { gate, type GateContext } from './gate.js';

const menu = parseMenu({
  knobs: {
    width: { type: 'int', range: [1, 64], default: 8 },
    heads: { type: 'int', range: [1, 8], default: 2 },
    note: { type: 'str', choices: ['a', 'b'], default: 'a' },
  },
  constraints: [{ id: 'even', rule: 'width % heads == 0' }],
});
const defaults = defaultConfig(menu);
const context: GateContext = {
  menu,
  constraints: compileConstraints(menu),
  comparator: defaults,
  measured: (key) => key === configKey({ ...defaults, width: 16 }),
  repeat: 'reject',
};
const wire = (knob: string, newValue: unknown) => ({ knob, new_value: newValue, reason: 'because' });

describe('gate', () => {
  it('passes a legal change with the complete configuration that would run', () => {
    expect(gate(wire('width', 12), context)).toEqual({
      verdict: 'pass',
      proposal: { knob: 'width', newValue: 12, reason: 'because' },
      config: { width: 12, heads: 2, note: 'a' },
      repeatOf: null,
    });
    expect(context.comparator).toEqual(defaults);
  });

  it('judges text and the object that it parses to alike', () => {
    for (const raw of [
      wire('width', 12),
      wire('width', 16),
      wire('heads', 3),
      wire('width', 8),
      wire('width', null),
      {},
    ])
      expect(gate(JSON.stringify(raw), context)).toEqual(gate(raw, context));
  });

  it('has a rail for each way to be wrong, and the first in order names itself', () => {
    const candidate = { ...defaults, note: 'b' };
    const steps: [unknown, GateContext][] = [
      ['', { ...context, candidate }],
      [wire('depth', 999), { ...context, candidate }],
      [wire('width', 999), { ...context, candidate }],
      [wire('width', 8), { ...context, candidate }],
      [wire('width', 9), { ...context, candidate }],
      [wire('width', 16), { ...context, candidate }],
      [wire('width', 16), context],
    ];
    const rails = steps
      .map(([raw, given]) => gate(raw, given))
      .map((verdict) => verdict.verdict === 'block' && verdict.rail);
    expect(rails).toEqual([...RAILS]);
  });

  it('derives the candidate from the comparator, not from the defaults', () => {
    const comparator = { width: 9, heads: 3, note: 'b' };
    expect(gate(wire('width', 12), { ...context, comparator })).toMatchObject({
      config: { width: 12, heads: 3, note: 'b' },
    });
    expect(gate(wire('width', 8), { ...context, comparator })).toMatchObject({ rail: 'cross' });
    expect(gate(wire('width', 9), { ...context, comparator })).toMatchObject({ rail: 'noop' });
  });

  it('books a repeat as a replicate where the spec says so', () => {
    const verdict = gate(wire('width', 16), { ...context, repeat: 'replicate' });
    expect(verdict).toMatchObject({ verdict: 'pass', repeatOf: configKey({ ...defaults, width: 16 }) });
  });

  it('hands on a blocked proposal only when it can be stored', () => {
    expect(gate(wire('width', 999), context)).toMatchObject({ proposal: { knob: 'width', newValue: 999 } });
    for (const raw of [
      wire('width\0', 1),
      wire('width\ud800', 1),
      wire('w'.repeat(65), 1),
      wire('width', Infinity),
      wire('note', 'c'.repeat(201)),
      wire('note', '\0'),
    ])
      expect(gate(raw, context)).toMatchObject({ verdict: 'block', proposal: null });
  });
});
