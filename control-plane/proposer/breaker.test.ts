import { expect, test } from 'vitest';
import {
  afterFailure,
  afterSuccess,
  BREAKER_DEFAULTS,
  CLOSED_BREAKER,
  isBreakerOpen,
  type BreakerState,
} from './breaker.js';

function failTimes(times: number, error = 'timeout', nowMs = 0): BreakerState {
  let state = CLOSED_BREAKER;
  for (let i = 0; i < times; i++) state = afterFailure(state, { error, nowMs });
  return state;
}

test('two failures leave it closed, the third opens it', () => {
  expect(isBreakerOpen(failTimes(2), 0)).toBe(false);
  expect(isBreakerOpen(failTimes(3), 0)).toBe(true);
});

test('after the pause one call goes through, and its failure doubles the pause', () => {
  const open = failTimes(3);
  expect(isBreakerOpen(open, BREAKER_DEFAULTS.pauseMs - 1)).toBe(true);
  expect(isBreakerOpen(open, BREAKER_DEFAULTS.pauseMs)).toBe(false);
  expect(failTimes(4).openUntilMs).toBe(2 * BREAKER_DEFAULTS.pauseMs);
});

test('the pause has a ceiling however often it fails', () => {
  expect(failTimes(5000).openUntilMs).toBe(BREAKER_DEFAULTS.maxPauseMs);
});

test('a refusal opens it at once', () => {
  expect(failTimes(1, 'refused').openUntilMs).toBe(BREAKER_DEFAULTS.pauseMs);
});

test('a server that asks for a pause gets it, an hour at most', () => {
  const asked = (retryAfterMs: number) =>
    afterFailure(CLOSED_BREAKER, { error: 'rate_limited', nowMs: 5, retryAfterMs });
  expect(asked(90_000).openUntilMs).toBe(90_005);
  expect(asked(1e12).openUntilMs).toBe(3_600_005);
});

test('a success closes it', () => {
  expect(afterSuccess()).toEqual({ failures: 0, openUntilMs: null, lastError: null });
});

test('the state survives JSON', () => {
  const state = failTimes(4);
  expect(JSON.parse(JSON.stringify(state))).toEqual(state);
});
