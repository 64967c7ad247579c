/**
 * Decorrelated jitter: each pause is random between the shortest and three times the last one, so that a thousand boxes
 * that lost their server at one moment do not come back at one moment.
 */
export class Backoff {
  #previousMs: number;

  constructor(
    private readonly minMs: number,
    private readonly maxMs: number,
    private readonly random: () => number,
  ) {
    this.#previousMs = minMs;
  }

  next(): number {
    const upper = Math.min(this.maxMs, this.#previousMs * 3);
    this.#previousMs = Math.min(this.maxMs, this.minMs + this.random() * (upper - this.minMs));
    return this.#previousMs;
  }

  reset(): void {
    this.#previousMs = this.minMs;
  }
}

/** Milliseconds that a `Retry-After` header asks for, seconds or a date, at most ten minutes; null when it says nothing. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const seconds = Number(header);
  const ms = header.trim() !== '' && Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, 600_000) : null;
}
