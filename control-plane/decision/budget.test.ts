import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { falseKeepBudget, lookShare } from './budget.js';

const sum = (count: number, term: (index: number) => number) => {
  let total = 0;
  for (let index = 0; index < count; index += 1) total += term(index);
  return total;
};

describe('falseKeepBudget', () => {
  it('never spends more than the budget, planned or not, nor in a run that goes on beyond its plan', () => {
    for (const planned of [null, 1, 12, 50, 1000])
      expect(sum(100_000, (index) => falseKeepBudget(0.1, index, planned))).toBeLessThanOrEqual(0.1);
  });
  it('gives the planned decisions equal shares of nearly all of it', () => {
    expect(falseKeepBudget(0.1, 0, 50)).toBe(falseKeepBudget(0.1, 49, 50));
    expect(sum(50, (index) => falseKeepBudget(0.1, index, 50))).toBeCloseTo(0.095, 12);
  });
  it('leaves something for every decision, for ever', () => {
    for (const planned of [null, 3]) expect(falseKeepBudget(0.1, 1_000_000, planned)).toBeGreaterThan(0);
  });
});

describe('lookShare', () => {
  it('splits one decision over its looks, more for later ones', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), (limit) => {
        expect(sum(limit, (index) => lookShare(index + 1, limit))).toBeCloseTo(1, 12);
        for (let n = 2; n <= limit; n += 1) expect(lookShare(n, limit)).toBeGreaterThan(lookShare(n - 1, limit));
      }),
    );
  });
  it('treats a candidate that was measured more often than asked for as at its last look', () => {
    expect(lookShare(7, 3)).toBe(lookShare(3, 3));
  });
});
