import { expect, test } from 'vitest';
import { duration, formatDuration, parseDurationMs } from './units.js';

test('a duration in words never has 60 of a unit', () => {
  expect([0, 999, 999.7, 1000, 4_240, 59_940].map(formatDuration)).toEqual([
    '0 ms',
    '999 ms',
    '1.0 s',
    '1.0 s',
    '4.2 s',
    '59.9 s',
  ]);
  expect([59_960, 190_000, 239_700, 3_599_600].map(formatDuration)).toEqual([
    '1 min 0 s',
    '3 min 10 s',
    '4 min 0 s',
    '1 h 0 min',
  ]);
  expect([7_500_000, 86_400_000].map(formatDuration)).toEqual(['2 h 5 min', '24 h 0 min']);
});

test('a duration has a unit, and may have several parts', () => {
  expect(['250ms', '300s', '10m', '1h30m', '1.5h', '2d'].map(parseDurationMs)).toEqual([
    250, 300_000, 600_000, 5_400_000, 5_400_000, 172_800_000,
  ]);
  expect(['', '300', '5 m', '-1s', '1w', 's'].map(parseDurationMs)).toEqual([null, null, null, null, null, null]);
});

test('a duration has an end: 366 days and 30 characters', () => {
  expect(['366d', '8784h', '365d24h'].map(parseDurationMs)).toEqual([31_622_400_000, 31_622_400_000, 31_622_400_000]);
  expect(['366d1ms', '1000d', `${'9'.repeat(400)}d`, '1s'.repeat(16)].map(parseDurationMs)).toEqual([
    null,
    null,
    null,
    null,
  ]);
  const messages = (value: unknown) => duration.safeParse(value).error?.issues.map((issue) => issue.message);
  expect(messages('366d')).toBeUndefined();
  expect(messages('367d')).toEqual(['a duration is 366 days at most']);
  expect(messages(`${'9'.repeat(400)}d`)).toEqual(['needs a duration of 30 characters at most']);
  expect(messages('5 parsecs')).toEqual([expect.stringContaining('with a unit')]);
});
