import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { studentTail, studentUpperQuantile } from './student-t.js';

describe('Student t', () => {
  // Upper critical values as printed in the usual tables (NIST/SEMATECH e-Handbook, 1.3.6.7.2).
  it.each([
    [0.1, 1, 3.078],
    [0.05, 1, 6.314],
    [0.025, 1, 12.706],
    [0.001, 1, 318.309],
    [0.05, 2, 2.92],
    [0.001, 2, 22.327],
    [0.025, 3, 3.182],
    [0.001, 4, 7.173],
    [0.01, 5, 3.365],
    [0.005, 8, 3.355],
    [0.025, 10, 2.228],
    [0.001, 10, 4.144],
    [0.1, 20, 1.325],
    [0.025, 30, 2.042],
    [0.01, 60, 2.39],
    [0.001, 100, 3.174],
  ])('the upper %f point with %i degrees of freedom is the published one', (tail, df, published) => {
    expect(studentUpperQuantile(tail, df)).toBeCloseTo(published, 3);
    expect(Math.abs(studentTail(published, df) / tail - 1)).toBeLessThan(0.005);
  });

  it('agrees with the closed forms for one and two degrees of freedom', () => {
    for (const t of [0.01, 0.5, 1, 3, 40, 1e4]) {
      expect(studentTail(t, 1)).toBeCloseTo(Math.atan2(1, t) / Math.PI, 14);
      const root = Math.sqrt(2 + t * t);
      expect(studentTail(t, 2) / (1 / (root * (root + t)))).toBeCloseTo(1, 11);
    }
  });

  it('tends to the normal distribution', () => {
    expect(studentUpperQuantile(0.025, 1e7)).toBeCloseTo(1.959964, 5);
    expect(studentUpperQuantile(0.0013498980316301, 1e7)).toBeCloseTo(3, 5);
  });

  it('gives the whole line its probability', () => {
    expect(studentTail(0, 3)).toBe(0.5);
    expect(studentTail(Infinity, 3)).toBe(0);
    expect(studentTail(-Infinity, 3)).toBe(1);
    expect(studentUpperQuantile(0.5, 3)).toBe(0);
  });

  it('is symmetric, and its quantile is its inverse, far out in the tail too', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -10, max: -0.31, noNaN: true }),
        fc.double({ min: 0.7, max: 500, noNaN: true }),
        (power, df) => {
          const tail = 10 ** power;
          const t = studentUpperQuantile(tail, df);
          expect(Math.abs(studentTail(t, df) / tail - 1)).toBeLessThan(1e-8);
          expect(studentTail(-t, df)).toBeCloseTo(1 - tail, 12);
          expect(studentUpperQuantile(1 - 0.25, df)).toBeCloseTo(-studentUpperQuantile(0.25, df), 10);
        },
      ),
    );
  });
});
