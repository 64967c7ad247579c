import { describe, expect, it } from 'vitest';
import { shrinkMeans } from './shrink-means.js';

describe('shrinkMeans', () => {
  const ten = [0.95, 0.96, 0.97, 0.98, 0.99, 1.01, 1.02, 1.03, 1.04, 1.05];
  const once = ten.map(() => 1);

  it('draws means that noise alone explains nearly together, and leaves alone those that it cannot explain', () => {
    const range = (sd: number) => {
      const values = shrinkMeans(ten, once, sd, sd).map(({ value }) => value);
      return Math.max(...values) - Math.min(...values);
    };
    // Morris' factor (k - 3)/(k - 1) for the better half of five leaves half of it even then.
    expect(range(0.1)).toBeCloseTo(0.1 * (1 - 2 / 4), 12);
    expect(range(0.001)).toBeGreaterThan(0.0999);
  });

  it('trusts a mean of many measurements more', () => {
    const [few, many] = [1, 10].map((n) => shrinkMeans(ten, [n, ...once.slice(1)], 0.03, 0.03)[0]!);
    expect(many!.value).toBeLessThan(few!.value);
    expect(many!.standardError).toBeLessThan(few!.standardError);
  });

  it('shrinks the best no less because a search also found very bad ones', () => {
    const bad = ten.map((cost, index) => (index > 5 ? cost + index : cost));
    const [shrunken] = shrinkMeans(bad, once, 0.03, 0.03);
    expect(shrunken!.value).toBeCloseTo(shrinkMeans(ten, once, 0.03, 0.03)[0]!.value, 12);
  });

  it('states a larger error for a mean far from the rest, since the spread is itself an estimate', () => {
    const [best, , , , near] = shrinkMeans(ten, once, 0.1, 0.1);
    // Half is shrunken (k = 5, no spread beyond the noise): V (1 - 0.5 · 4/5) + 2/2 · (0.5 · distance)².
    expect(best!.standardError).toBeCloseTo(Math.sqrt(0.01 * 0.6 + (0.5 * 0.05) ** 2), 12);
    expect(near!.standardError).toBeLessThan(best!.standardError);
  });

  it('leaves a handful of configurations and exact measurements as they are', () => {
    expect(shrinkMeans([1, 2, 3], [1, 1, 4], 2, 2)).toEqual([
      { value: 1, standardError: 2 },
      { value: 2, standardError: 2 },
      { value: 3, standardError: 1 },
    ]);
    expect(shrinkMeans(ten, once, 0, 0).map(({ value }) => value)).toEqual(ten);
    expect(shrinkMeans([], [], 1, 1)).toEqual([]);
  });
});
