import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileConstraints,
  configKey,
  defaultConfig,
  knobValueProblem,
  parseMenu,
  type Knob,
  type KnobValue,
} from '@nightshift/protocol';
import { gate, type GateContext } from './gate.js';

const menu = parseMenu({
  knobs: {
    depth: { type: 'int', range: [-4, 40], default: 12 },
    width: { type: 'int', choices: [64, 96, 128, 256], default: 128 },
    heads: { type: 'int', choices: [0, 2, 3, 4], default: 4 },
    rate: { type: 'float', range: [1e-6, 0.1], default: 1e-3 },
    bias: { type: 'float', range: [-2, 2], default: 0 },
    kind: { type: 'str', choices: ['adam', 'sgd', ''], default: 'adam' },
    half: { type: 'bool', default: true },
  },
  constraints: [
    { id: 'even', rule: 'width % heads == 0' },
    { id: 'small', rule: 'depth * width <= 4000 || half' },
    { id: 'sgd', rule: "kind != 'sgd' || rate > 0.0001" },
  ],
});
const constraints = compileConstraints(menu);
const defaults = defaultConfig(menu);
const fresh: GateContext = { menu, constraints, comparator: defaults, measured: () => false, repeat: 'reject' };
const names = Object.keys(menu.knobs);

const legalValue = (knob: Knob): fc.Arbitrary<KnobValue> => {
  if (knob.choices) return fc.constantFrom(...knob.choices);
  const [min, max] = knob.range as [number, number];
  return knob.type === 'int' ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true });
};
const legal = fc
  .constantFrom(...names)
  .chain((name) => legalValue(menu.knobs[name] as Knob).map((value) => ({ name, value })));
const anyValue = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.string(),
  fc.boolean(),
  fc.constant(null),
  legal.map(({ value }) => value),
);
const anyProposal = fc.record(
  {
    knob: fc.oneof(fc.constantFrom(...names, 'constructor', '__proto__'), fc.string({ unit: 'binary' })),
    new_value: anyValue,
    reason: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
    more: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const likelyProposal = fc.record({ knob: fc.constantFrom(...names), new_value: anyValue, reason: fc.string() });
const anyRaw = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.anything(),
  fc.json(),
  anyProposal,
  likelyProposal,
  anyProposal.map((raw) => JSON.stringify(raw)),
  likelyProposal.map((raw) => JSON.stringify(raw)),
);

describe('gate, for any input', () => {
  it('gives a verdict and never throws, with a reason that is short and shows as text', () => {
    fc.assert(
      fc.property(
        anyRaw,
        fc.option(
          fc.dictionary(
            fc.string(),
            anyValue.filter((value) => value !== null),
          ),
          { nil: undefined },
        ),
        (raw, candidate) => {
          const verdict = gate(raw, { ...fresh, candidate });
          if (verdict.verdict === 'pass') return;
          expect(verdict.reason.length).toBeGreaterThan(0);
          expect(verdict.reason.length).toBeLessThan(600);
          expect(verdict.reason).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('says the same again', () => {
    fc.assert(
      fc.property(anyRaw, (raw) => {
        expect(gate(raw, fresh)).toEqual(gate(raw, fresh));
      }),
      { numRuns: 500 },
    );
  });

  it('passes nothing that is illegal, alone or together with the rest', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          likelyProposal,
          likelyProposal.map((raw) => JSON.stringify(raw)),
          anyRaw,
        ),
        (raw) => {
          const verdict = gate(raw, fresh);
          if (verdict.verdict === 'block') return;
          const { knob, newValue } = verdict.proposal;
          expect(knobValueProblem(menu.knobs[knob] as Knob, newValue)).toBeNull();
          expect(constraints.violations(verdict.config)).toEqual([]);
          expect(verdict.config).toEqual({ ...defaults, [knob]: newValue });
          expect(configKey(verdict.config)).not.toBe(configKey(defaults));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('passes every legal value that is new', () => {
    fc.assert(
      fc.property(legal, fc.boolean(), ({ name, value }, isText) => {
        const config = { ...defaults, [name]: value };
        fc.pre(value !== defaults[name] && constraints.violations(config).length === 0);
        const raw = { knob: name, new_value: value, reason: 'new' };
        expect(gate(isText ? JSON.stringify(raw) : raw, fresh)).toMatchObject({ verdict: 'pass', repeatOf: null });
      }),
      { numRuns: 1000 },
    );
  });

  it('blocks by repeat exactly what was measured', () => {
    fc.assert(
      fc.property(legal, fc.array(legal, { maxLength: 8 }), ({ name, value }, tried) => {
        const keys = new Set(tried.map((pair) => configKey({ ...defaults, [pair.name]: pair.value })));
        const raw = { knob: name, new_value: value, reason: 'again?' };
        const before = gate(raw, fresh);
        fc.pre(before.verdict === 'pass');
        const after = gate(raw, { ...fresh, measured: (key) => keys.has(key) });
        expect(after.verdict).toBe(keys.has(configKey({ ...defaults, [name]: value })) ? 'block' : 'pass');
      }),
      { numRuns: 500 },
    );
  });
});
