/** Nothing acknowledged for so long: shorter sends twice to a slow database, longer leaves a job's end untold after a loss. */
const STALL_MS = 20_000;
/** The other end has answered with no more than before: bytes are missing there. Shorter mistakes an answer to bytes sent twice for a gap. */
const GAP_MS = 1000;
/** Each time that sending again did not help, the next wait is twice as long, up to 2^3 times. */
const MAX_DOUBLINGS = 3;

/**
 * What of one stream (bytes of a log, points of a curve) was sent and what is durable at the other end. Times are
 * milliseconds of a clock that never goes back, passed in.
 */
export class SendWindow {
  #sent: number;
  #acked: number;
  #quietSince = 0;
  #hasGap = false;
  #rewinds = 0;

  constructor(from: number) {
    this.#sent = this.#acked = from;
  }
  get sent(): number {
    return this.#sent;
  }
  get acked(): number {
    return this.#acked;
  }
  get inFlight(): number {
    return this.#sent - this.#acked;
  }

  advance(by: number, now: number): void {
    if (this.inFlight === 0) this.#quietSince = now;
    this.#sent += by;
  }

  /** Durable up to `to`. What the other end has it need not get again: another connection may have delivered it. */
  ack(to: number, now: number): void {
    if (to > this.#acked) {
      this.#acked = to;
      this.#sent = Math.max(this.#sent, to);
      this.#quietSince = now;
      this.#hasGap = false;
      this.#rewinds = 0;
    } else if (this.inFlight > 0) this.#hasGap = true;
  }

  /** Milliseconds until what is in flight counts as lost, 0 when it does; null when nothing is in flight. */
  stallsInMs(now: number): number | null {
    if (this.inFlight === 0) return null;
    const waitMs = (this.#hasGap ? GAP_MS : STALL_MS) * 2 ** Math.min(this.#rewinds, MAX_DOUBLINGS);
    return Math.max(0, this.#quietSince + waitMs - now);
  }

  /** Goes back to what is durable when what is in flight counts as lost. Sending again is harmless: what is there is skipped. */
  rewindIfStalled(now: number): boolean {
    if (this.stallsInMs(now) !== 0) return false;
    this.#sent = this.#acked;
    this.#hasGap = false;
    this.#rewinds++;
    return true;
  }
}
