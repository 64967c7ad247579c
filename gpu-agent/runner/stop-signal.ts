/** Why the runner itself ends a job, whatever phase it is in. `limit` is the clock of the whole job. */
export type StopCause =
  | { kind: 'cancelled'; detail: string }
  | { kind: 'limit' }
  | { kind: 'oom_guard'; detail: string }
  | { kind: 'disk_full'; detail: string }
  | { kind: 'box_lost'; detail: string };

/** The first cause wins and stays; whoever listens later hears it at once. */
export class StopSignal {
  #cause: StopCause | null = null;
  #listeners = new Set<(cause: StopCause) => void>();

  get cause(): StopCause | null {
    return this.#cause;
  }

  request(cause: StopCause): void {
    if (this.#cause) return;
    this.#cause = cause;
    for (const listener of this.#listeners) listener(cause);
  }

  /** Calls back once, now or later; the answer takes the listener off again. */
  onRequest(listener: (cause: StopCause) => void): () => void {
    if (this.#cause) listener(this.#cause);
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
