import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@nightshift/protocol';

/** First pause before a new try, doubled up to the longest. Shorter hammers a control plane that restarts, longer shows news late. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** A control plane that is away for longer is not restarting: whoever waits is told. */
const GIVE_UP_MS = 300_000;

export interface PatienceOptions {
  signal: AbortSignal;
  /** Told once when the control plane goes away, not at every try. */
  onLost?: ((error: AppError) => void) | undefined;
}

/** Bears with a control plane that restarts: pauses between tries, and gives up in the end. */
export class Patience {
  #lostAt: number | null = null;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(private readonly options: PatienceOptions) {}

  /** The control plane answered. */
  heard(): void {
    this.#lostAt = null;
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  /** Waits before the next try. @throws the error itself when it is an answer, or when patience is at its end. */
  async after(error: unknown): Promise<void> {
    const { signal, onLost } = this.options;
    if (signal.aborted) return;
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    if (this.#lostAt === null) onLost?.(error);
    this.#lostAt ??= performance.now();
    if (performance.now() - this.#lostAt > GIVE_UP_MS) throw error;
    await this.pause();
  }

  async pause(): Promise<void> {
    await delay(this.#pauseMs, undefined, { signal: this.options.signal }).catch(() => undefined);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

/** Makes a call until it is answered. @returns null when the signal aborted first. */
export async function patiently<T>(call: () => Promise<T>, options: PatienceOptions): Promise<T | null> {
  const patience = new Patience(options);
  while (!options.signal.aborted) {
    try {
      return await call();
    } catch (error) {
      await patience.after(error);
    }
  }
  return null;
}
