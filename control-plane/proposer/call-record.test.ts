import { expect, test } from 'vitest';
import { callCost } from './call-record.js';

const prices = (input: number | null, output: number | null) => ({
  inputUsdPerMillion: input,
  outputUsdPerMillion: output,
});

test('a call costs its tokens at the model’s prices, and a price left out beside a stated one is 0', () => {
  expect(callCost(prices(1, 2), 1_000_000, 500_000)).toBe(2);
  expect(callCost(prices(1, null), 1_000_000, null)).toBe(1);
  expect(callCost(prices(0, 0), 5, 5)).toBe(0);
});

test('without prices, or without a count that has one, the cost is not known', () => {
  expect(callCost(prices(null, null), 5, 5)).toBeNull();
  expect(callCost(prices(1, 2), 5, null)).toBeNull();
});
