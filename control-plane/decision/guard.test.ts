import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holdsGuard, type GuardSpec } from '@nightshift/protocol';
import { checkGuards, guardReadings } from './guard.js';

const guard = (rule: Partial<GuardSpec>): GuardSpec => ({
  name: 'peak_gb',
  max: null,
  min: null,
  maxRegression: null,
  goal: 'minimize',
  ...rule,
});
const check = (rule: Partial<GuardSpec>, candidate: number | null, comparator: number | null = null) =>
  checkGuards([guard(rule)], { peak_gb: { candidate, comparator } });

describe('checkGuards', () => {
  test('passes at a limit and is broken beyond it', () => {
    expect(check({ max: 40 }, 40)).toEqual([]);
    expect(check({ max: 40 }, 41)).toMatchObject([
      { rule: 'max', value: 41, limit: 40, reason: 'peak_gb 41 is above its max 40' },
    ]);
    expect(check({ min: 3 }, 3)).toEqual([]);
    expect(check({ min: 3 }, 2)).toMatchObject([{ rule: 'min', reason: 'peak_gb 2 is below its min 3' }]);
  });

  test('a metric that nobody reported is a broken guard and says whose is missing', () => {
    expect(checkGuards([guard({ max: 40 })], {})).toMatchObject([
      { rule: 'missing', value: null, reason: 'peak_gb was not reported by the candidate' },
    ]);
    expect(check({ max: 40 }, Number.NaN)).toMatchObject([{ rule: 'missing', value: null, reason: 'peak_gb is NaN' }]);
    expect(check({ maxRegression: 0.1 }, 5, null)).toMatchObject([
      { rule: 'missing', reason: 'peak_gb was not reported by what the candidate is compared with' },
    ]);
    expect(check({ max: 40 }, 5, null)).toEqual([]);
  });

  test('a regression is a fraction of the comparator in the direction of the goal', () => {
    expect(check({ maxRegression: 0.1 }, 11, 10)).toEqual([]);
    expect(check({ maxRegression: 0.1 }, 11.5, 10)).toMatchObject([
      {
        rule: 'maxRegression',
        limit: 11,
        reason: 'peak_gb 11.5 is more than 10% worse than the 10 it is compared with',
      },
    ]);
    expect(check({ maxRegression: 0.1 }, 1, 10)).toEqual([]);
    expect(check({ maxRegression: 0.1, goal: 'maximize' }, 8.9, 10)).toHaveLength(1);
    expect(check({ maxRegression: 0.1, goal: 'maximize' }, 9, 10)).toEqual([]);
    expect(check({ maxRegression: 0.1 }, -9.5, -10)).toEqual([]);
    expect(check({ maxRegression: 0.1 }, -8.9, -10)).toHaveLength(1);
    expect(check({ maxRegression: 0.1 }, 0.05, 0)).toEqual([]);
    expect(check({ maxRegression: 0.1 }, 0.2, 0)).toHaveLength(1);
  });

  test('names every broken guard once, in the order of the spec', () => {
    const guards = [guard({ max: 1, min: 3 }), guard({ name: 'seconds', max: 1 }), guard({ name: 'toxicity', max: 1 })];
    const values = {
      peak_gb: { candidate: 2, comparator: null },
      seconds: { candidate: 0, comparator: null },
      toxicity: { candidate: 7, comparator: null },
    };
    expect(checkGuards(guards, values).map((violation) => violation.name)).toEqual(['peak_gb', 'toxicity']);
  });
});

describe('guardReadings', () => {
  test('has every limit with the value, broken or not, and a regression in units of the comparator', () => {
    const rule = guard({ max: 40, min: 3, maxRegression: 0.1 });
    expect(guardReadings([rule], { peak_gb: { candidate: 35, comparator: 30 } })).toEqual([
      { name: 'peak_gb', bound: 'max', limit: 40, value: 35 },
      { name: 'peak_gb', bound: 'min', limit: 3, value: 35 },
      { name: 'peak_gb', bound: 'max', limit: 33, value: 35 },
    ]);
    expect(guardReadings([rule], {}).map(({ limit, value }) => [limit, value])).toEqual([
      [40, null],
      [3, null],
    ]);
  });

  test('one of them is broken exactly where checkGuards finds a violation', () => {
    const number = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(Number.NaN, Infinity));
    const limit = fc.option(fc.integer({ min: -5, max: 5 }));
    const rule = fc.record({
      max: limit,
      min: limit,
      maxRegression: fc.option(fc.constantFrom(0, 0.1, 0.5)),
      goal: fc.constantFrom('minimize' as const, 'maximize' as const),
    });
    fc.assert(
      fc.property(rule, fc.option(number), fc.integer({ min: -5, max: 5 }), (limits, candidate, comparator) => {
        fc.pre(limits.max !== null || limits.min !== null || limits.maxRegression !== null);
        const values = { peak_gb: { candidate, comparator } };
        const isBroken = guardReadings([guard(limits)], values).some((reading) => !holdsGuard(reading));
        expect(isBroken).toBe(checkGuards([guard(limits)], values).length > 0);
      }),
    );
  });
});
