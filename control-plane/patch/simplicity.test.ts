import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { weighSimplicity, type SimplicityInput } from './simplicity.js';

const inputs: SimplicityInput = {
  effect: 0,
  standardError: 0.002,
  added: 0,
  removed: 0,
  complexityDelta: 0,
  weight: 0.0001,
};
const outcome = (more: Partial<SimplicityInput>) => weighSimplicity({ ...inputs, ...more }).outcome;

describe('weighSimplicity', () => {
  it('keeps what is equal and simpler', () => {
    expect(outcome({ removed: 20, added: 4 })).toBe('simpler-kept');
    expect(outcome({ effect: -0.001, complexityDelta: -1 })).toBe('simpler-kept');
    expect(outcome({ effect: -0.01, removed: 20 })).toBe('no-change');
    expect(outcome({ added: 20, removed: 20 })).toBe('no-change');
  });

  it('turns away a small gain for much code', () => {
    expect(outcome({ effect: 0.003, added: 40 })).toBe('too-much-code');
    expect(outcome({ effect: 0.003, complexityDelta: 8 })).toBe('too-much-code');
    expect(outcome({ effect: 0.03, added: 40 })).toBe('no-change');
  });

  it('says nothing without a weight or with figures that are none', () => {
    expect(outcome({ weight: 0, removed: 20 })).toBe('no-change');
    expect(outcome({ effect: Number.NaN, removed: 20 })).toBe('no-change');
  });

  it('never keeps what grows, and never turns away what shrinks', () => {
    const count = fc.integer({ min: 0, max: 500 });
    const figure = fc.double({ min: -0.1, max: 0.1, noNaN: true });
    fc.assert(
      fc.property(
        figure,
        figure.map(Math.abs),
        count,
        count,
        fc.integer({ min: -20, max: 20 }),
        figure.map(Math.abs),
        (...[effect, standardError, added, removed, complexityDelta, weight]) => {
          const verdict = weighSimplicity({ effect, standardError, added, removed, complexityDelta, weight });
          if (verdict.outcome === 'simpler-kept') expect(verdict.growth).toBeLessThan(0);
          if (verdict.outcome === 'too-much-code') expect(verdict.growth).toBeGreaterThan(0);
        },
      ),
    );
  });
});
