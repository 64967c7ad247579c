import { expect, test } from 'vitest';
import type { Screening } from '@nightshift/protocol';
import { expectedByCurve, expectedByScreening, givenUpTrial } from './given-up.js';

const config = { x: 1 };

test('what was given up is worse than its comparator, and as much worse as it looked', () => {
  expect(givenUpTrial(config, 'minimize', [2, 2.2], { effect: -0.1, sd: 0.02 })).toEqual({
    config,
    value: 2.1,
    state: 'censored',
    estimate: { value: expect.closeTo(2.31, 9), sd: expect.closeTo(0.042, 9) },
  });
  expect(givenUpTrial(config, 'maximize', [2], { effect: -0.1, sd: 0.02 }).estimate?.value).toBeCloseTo(1.8, 9);
});

test('is never expected to be better, whatever was told', () => {
  expect(givenUpTrial(config, 'minimize', [2], { effect: 0.1, sd: 0.02 }).estimate?.value).toBe(2);
});

test('is a bound alone where nothing was expected, and nothing where its comparator has no number', () => {
  expect(givenUpTrial(config, 'minimize', [2], null)).toEqual({ config, value: 2, state: 'censored' });
  expect(givenUpTrial(config, 'minimize', [], { effect: -1, sd: 1 })).toEqual({
    config,
    value: null,
    state: 'censored',
  });
});

test('a screening tells the middle of its prediction interval and the sd behind its bound', () => {
  const screening = { expected: -0.2, luckiest: -0.1, pairs: 5 } as Screening;
  // t of 0.99 with 3 degrees of freedom.
  expect(expectedByScreening(screening)).toEqual({ effect: -0.2, sd: expect.closeTo(0.1 / 4.5407, 5) });
  expect(expectedByScreening({ ...screening, expected: null })).toBeNull();
  expect(expectedByScreening({ ...screening, pairs: 2 })).toBeNull();
});

test('a curve of another metric leaves half of its effect in doubt', () => {
  expect(expectedByCurve({ effect: -0.2, sd: 0.01 }, true)).toEqual({ effect: -0.2, sd: 0.01 });
  expect(expectedByCurve({ effect: -0.2, sd: 0.01 }, false)).toEqual({ effect: -0.2, sd: 0.1 });
});
