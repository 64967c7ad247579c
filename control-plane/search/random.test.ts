import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from './random.js';

test('equal seeds give equal draws, other seeds others', () => {
  const draws = (seed: string) => {
    const random = seededRandom(seed);
    return Array.from({ length: 50 }, () => random.uniform());
  };
  expect(draws('run 1')).toEqual(draws('run 1'));
  expect(draws('run 1')).not.toEqual(draws('run 2'));
});

test('the stream is the same on every machine', () => {
  const random = seededRandom('nightshift');
  expect([random.below(1_000_000), random.below(1_000_000), random.below(1_000_000)]).toMatchInlineSnapshot(`
    [
      183697,
      457645,
      209027,
    ]
  `);
});

test('uniform draws fill [0, 1) evenly and normal ones have mean 0 and sd 1', () => {
  const random = seededRandom('moments');
  const count = 20_000;
  const uniform = Array.from({ length: count }, () => random.uniform());
  const normal = Array.from({ length: count }, () => random.normal());
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(uniform.every((value) => value >= 0 && value < 1)).toBe(true);
  expect(mean(uniform)).toBeCloseTo(0.5, 1);
  expect(mean(normal)).toBeCloseTo(0, 1);
  expect(mean(normal.map((value) => value * value))).toBeCloseTo(1, 1);
});

test('a shuffle keeps its items, and a choice is one of them', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.integer(), { minLength: 1 }), (seed, items) => {
      const random = seededRandom(seed);
      const ordered = (all: readonly number[]) => [...all].sort((a, b) => a - b);
      expect(ordered(random.shuffle(items))).toEqual(ordered(items));
      expect(items).toContain(random.choice(items));
      expect(random.below(items.length)).toBeLessThan(items.length);
    }),
  );
  expect(() => seededRandom('').choice([])).toThrow(RangeError);
});
