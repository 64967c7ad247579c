import { expect, test } from 'vitest';
import { showDifference, showNumber, showPercent, showShare, showValue, summariseCurve } from './figures.js';

test('an unknown figure is a question mark, never 0', () => {
  for (const value of [null, undefined, NaN, Infinity]) {
    expect(showNumber(value)).toBe('?');
    expect(showPercent(value)).toBe('?');
    if (value !== undefined) expect(showShare(value)).toBe('?');
  }
});

test('numbers have six digits and percentages a sign', () => {
  expect(showNumber(1.023456789)).toBe('1.02346');
  expect(showNumber(0.00030000000000000003)).toBe('0.0003');
  expect([0.0041, -0.0041, -0.00001].map(showPercent)).toEqual(['+0.41%', '-0.41%', '0.00%']);
});

test('a text value cannot break the table', () => {
  expect(showValue('a | b')).toBe('"a \\u007c b"');
});

test('a difference names the settings and how many more', () => {
  const from = { a: 1, b: 2, c: 3, d: 4, e: 5 };
  expect(showDifference(from, { ...from, b: 0 }, 'a')).toBe('b=0');
  expect(showDifference(from, { a: 0, b: 0, c: 0, d: 0, e: 0 }, 'a', 2)).toBe('b=0 c=0 +2 more');
});

test('a curve is told in one line, with what was not finite', () => {
  const points = Array.from({ length: 101 }, (_, i) => ({ name: 'loss', step: i, value: 4 - i / 50 }));
  expect(summariseCurve([...points, { name: 'loss', value: NaN }])).toBe(
    '101 points: 4 > 3.5 > 3 > 2.5 > 2; lowest 2, highest 4; last tenth -9.09%; 1 not finite',
  );
  expect(summariseCurve([{ name: 'loss', value: NaN }])).toBeNull();
  expect(summariseCurve([])).toBeNull();
});
