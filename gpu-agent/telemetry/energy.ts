/** Integrates power readings to watt-hours by the trapezoidal rule. Without a reading there is no figure, not zero. */
export class EnergyMeter {
  #wattHours = 0;
  #last: { atMs: number; watts: number } | null = null;
  #first: number | null = null;

  /** `startMs`: the first reading holds back to here. */
  constructor(private readonly startMs: number | null = null) {}

  add(atMs: number, watts: number | null): void {
    if (watts === null) {
      this.#last = null; // a gap is not bridged: the power in it is unknown
      return;
    }
    if (this.#first === null) {
      this.#first = watts;
      if (this.startMs !== null) this.#wattHours += watts * (Math.max(0, atMs - this.startMs) / 3_600_000);
    }
    if (this.#last) this.#wattHours += ((this.#last.watts + watts) / 2) * ((atMs - this.#last.atMs) / 3_600_000);
    this.#last = { atMs, watts };
  }

  /** The total up to a moment, the last reading held until then; null when power was never read. */
  total(atMs: number): number | null {
    if (this.#first === null) return null;
    return this.#wattHours + (this.#last ? this.#last.watts * (Math.max(0, atMs - this.#last.atMs) / 3_600_000) : 0);
  }
}
