import { compileConstraints, configKey, type Knob, type KnobValue } from '@nightshift/protocol';
import { answer, defaults, menu, type SuiteCase } from './case.js';

const constraints = compileConstraints(menu);

/** On each bound, one step inside it and one step over it, for every knob with a range; and every choice of every other knob. */
export function sweepCases(measured: ReadonlySet<string>): SuiteCase[] {
  return Object.entries(menu.knobs).flatMap(([name, knob]) =>
    candidates(knob).map(([label, value]) => {
      const rail = expectedRail(name, knob, value, measured);
      const id = `sweep-${name}-${label}`;
      const raw = answer(name, JSON.stringify(value));
      return rail === null ? { id, raw, expect: 'pass' } : { id, raw, expect: 'block', expected_rail: rail };
    }),
  );
}

function candidates(knob: Knob): [string, KnobValue][] {
  if (knob.choices) return knob.choices.map((choice) => [String(choice), choice]);
  const [low, high] = knob.range!;
  const step = knob.type === 'int' ? 1 : low > 0 ? low / 100 : 0.001;
  return [
    ['under-low', low - step],
    ['on-low', low],
    ['above-low', low + step],
    ['under-high', high - step],
    ['on-high', high],
    ['over-high', high + step],
  ];
}

// Written from the menu, without the rails: what is over a bound, what is the default, what breaks a rule, what was measured.
function expectedRail(name: string, knob: Knob, value: KnobValue, measured: ReadonlySet<string>): string | null {
  if (knob.range && typeof value === 'number' && (value < knob.range[0] || value > knob.range[1])) return 'range';
  if (value === knob.default) return 'noop';
  const config = { ...defaults, [name]: value };
  if (constraints.violations(config).length > 0) return 'cross';
  return measured.has(configKey(config)) ? 'repeat' : null;
}
