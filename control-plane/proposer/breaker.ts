/**
 * A circuit breaker's state as plain data, so that it can live in a row and outlast a restart. Times are epoch
 * milliseconds of the caller's clock.
 */
export interface BreakerState {
  /** Failed turns in a row. */
  failures: number;
  /** No call before this time; null while closed. */
  openUntilMs: number | null;
  lastError: string | null;
}
export interface BreakerOptions {
  /** Failures in a row that open it: one slow call is bad luck, three are an outage. */
  threshold: number;
  /** First pause. Shorter wastes turns on a dead server; longer leaves a recovered one idle. */
  pauseMs: number;
  /** Longest pause; each further failure doubles the pause up to it. */
  maxPauseMs: number;
}
export const BREAKER_DEFAULTS: BreakerOptions = { threshold: 3, pauseMs: 30_000, maxPauseMs: 15 * 60_000 };
export const CLOSED_BREAKER: BreakerState = { failures: 0, openUntilMs: null, lastError: null };

/** True while the model is to be skipped. After the pause one call goes through and decides. */
export function isBreakerOpen(state: BreakerState, nowMs: number): boolean {
  return state.openUntilMs !== null && nowMs < state.openUntilMs;
}

export function afterSuccess(): BreakerState {
  return CLOSED_BREAKER;
}

/**
 * The state after a failed turn. A server that asked for a longer pause (Retry-After) gets it, an hour at most; a
 * refusal (bad key, unknown model) opens at once, since another try cannot go better.
 */
export function afterFailure(
  state: BreakerState,
  failure: { error: string; nowMs: number; retryAfterMs?: number | null },
  options: BreakerOptions = BREAKER_DEFAULTS,
): BreakerState {
  const failures = state.failures + 1;
  const over = failure.error === 'refused' ? Math.max(0, failures - 1) : failures - options.threshold;
  const asked = Math.min(failure.retryAfterMs ?? 0, 3_600_000);
  const pause = over < 0 ? 0 : Math.min(options.maxPauseMs, options.pauseMs * 2 ** Math.min(over, 30));
  const wait = Math.max(pause, asked);
  return { failures, openUntilMs: wait > 0 ? failure.nowMs + wait : null, lastError: failure.error };
}
