import { expect, test } from 'vitest';
import { Backoff, retryAfterMs } from './backoff.js';

test('pauses grow at most threefold, stay within their bounds, and start anew after a success', () => {
  const longest = new Backoff(250, 30_000, () => 0.999999);
  const pauses = Array.from({ length: 10 }, () => Math.round(longest.next()));
  expect(pauses.slice(0, 4)).toEqual([750, 2250, 6750, 20250]);
  expect(Math.max(...pauses)).toBe(30_000);
  longest.reset();
  expect(Math.round(longest.next())).toBe(750);
  const shortest = new Backoff(250, 30_000, () => 0);
  expect([shortest.next(), shortest.next()]).toEqual([250, 250]);
});

test('Retry-After is read as seconds or a date, and bounded', () => {
  expect(retryAfterMs(undefined, 0)).toBeNull();
  expect(retryAfterMs('soon', 0)).toBeNull();
  expect(retryAfterMs('7', 0)).toBe(7000);
  expect(retryAfterMs('-1', 0)).toBeNull();
  expect(retryAfterMs('99999', 0)).toBe(600_000);
  expect(retryAfterMs('Thu, 01 Jan 1970 00:00:10 GMT', 4000)).toBe(6000);
});
