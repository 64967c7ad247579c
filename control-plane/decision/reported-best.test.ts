import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportedBest } from './reported-best.js';

describe('reportedBest', () => {
  it('reports the replicated configuration and not the luckiest single draw', () => {
    const best = reportedBest({
      goal: 'minimize',
      baselineKey: 'base',
      groups: [
        { key: 'base', values: [1, 1.01, 0.99] },
        { key: 'lucky', values: [0.9] },
        { key: 'solid', values: [0.94, 0.95, 0.945] },
        ...[1.02, 1.01, 1.0, 0.99, 0.98, 1.03].map((value, index) => ({ key: `other${index}`, values: [value] })),
      ],
    });
    expect(best).toMatchObject({ key: 'solid', n: 3 });
    expect(best?.headline).toBeCloseTo(0.1, 12);
    expect(best?.improvement).toBeLessThan(0.055);
    expect(best?.shrunken).toBeGreaterThan(best?.mean ?? NaN);
  });

  it('claims nothing for draws that differ by noise only', () => {
    const values = [1.002, 0.998, 1.001, 0.999, 1.003, 0.997];
    const groups = values.map((value, index) => ({ key: `k${index}`, values: [value, 2 - value] }));
    const best = reportedBest({ goal: 'minimize', baselineKey: 'k0', groups });
    expect(Math.abs(best?.improvement ?? NaN)).toBeLessThan(1e-9);
    expect(best?.headline).toBeCloseTo(0.003, 9);
  });

  it('falls back to single measurements only when nothing was replicated, and then states no error', () => {
    const groups = [
      { key: 'base', values: [1] },
      { key: 'a', values: [0.9] },
    ];
    expect(reportedBest({ goal: 'minimize', baselineKey: 'base', groups })).toMatchObject({
      key: 'a',
      n: 1,
      standardError: null,
    });
    expect(reportedBest({ goal: 'maximize', baselineKey: 'base', groups })).toMatchObject({
      key: 'base',
      improvement: 0,
    });
  });

  it('takes a deterministic metric at its word', () => {
    const groups = [
      { key: 'base', values: [100, 100] },
      { key: 'a', values: [80, 80] },
      { key: 'b', values: [90] },
    ];
    expect(reportedBest({ goal: 'minimize', baselineKey: 'base', groups })).toMatchObject({
      key: 'a',
      shrunken: 80,
      standardError: 0,
      improvement: 0.2,
    });
  });

  it('has nothing to report without measurements, and no improvement without a baseline', () => {
    expect(reportedBest({ goal: 'minimize', baselineKey: 'x', groups: [] })).toBeNull();
    expect(reportedBest({ goal: 'minimize', baselineKey: 'x', groups: [{ key: 'a', values: [NaN] }] })).toBeNull();
    expect(reportedBest({ goal: 'minimize', baselineKey: null, groups: [{ key: 'a', values: [1] }] })).toMatchObject({
      improvement: null,
      headline: null,
    });
  });

  it('is symmetric in the goal, never beyond the best mean, and always among the measured', () => {
    const groups = fc.uniqueArray(
      fc.record({
        key: fc.string({ maxLength: 3 }),
        values: fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 4 }),
      }),
      { selector: (group) => group.key, minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(groups, (measured) => {
        const best = reportedBest({ goal: 'minimize', baselineKey: measured[0]?.key ?? null, groups: measured });
        const negated = measured.map(({ key, values }) => ({ key, values: values.map((value) => -value) }));
        const flipped = reportedBest({ goal: 'maximize', baselineKey: measured[0]?.key ?? null, groups: negated });
        expect(flipped?.key).toBe(best?.key);
        expect(flipped?.improvement).toBeCloseTo(best?.improvement ?? NaN, 9);
        const lowest = Math.min(...measured.map(({ values }) => values.reduce((a, b) => a + b, 0) / values.length));
        expect(best?.shrunken).toBeGreaterThanOrEqual(lowest - 1e-9);
        expect(measured.some(({ key }) => key === best?.key)).toBe(true);
      }),
    );
  });
});

describe('a confirmation', () => {
  const groups = [
    { key: 'base', values: [1, 1.01, 0.99] },
    ...[0.9, 0.95, 1.02, 1.05].map((value, i) => ({ key: `k${i}`, values: [value, value + 0.01] })),
  ];

  it('is what is reported, by the measurements made after the choice alone', () => {
    const confirmation = { key: 'k0', values: [0.96, 0.98] };
    const best = reportedBest({ goal: 'minimize', baselineKey: 'base', groups, confirmation });
    expect(best).toMatchObject({ key: 'k0', n: 2, mean: 0.97, shrunken: 0.97, isConfirmed: true });
    expect(best?.improvement).toBeCloseTo(0.03, 2);
    const turned = groups.map(({ key, values }) => ({ key, values: values.map((value) => -value) }));
    const flipped = { key: 'k0', values: [-0.96, -0.98] };
    expect(
      reportedBest({ goal: 'maximize', baselineKey: 'base', groups: turned, confirmation: flipped })?.shrunken,
    ).toBe(-0.97);
  });

  it('of nothing is none', () => {
    const best = reportedBest({
      goal: 'minimize',
      baselineKey: 'base',
      groups,
      confirmation: { key: 'k0', values: [] },
    });
    expect(best).toMatchObject({ isConfirmed: false });
    expect(best).toEqual(reportedBest({ goal: 'minimize', baselineKey: 'base', groups }));
  });
});
