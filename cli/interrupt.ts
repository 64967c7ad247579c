import { EXIT } from './exit-codes.js';

export interface Interrupt {
  /** Aborts at the first INT or TERM; the second one ends the process at once. */
  signal: AbortSignal;
  /** Gives the signals back to whoever had them. */
  release(): void;
}

export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.cancelled);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}

/** Resolves when the signal aborts; at once when it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What a call comes to, or null as soon as the signal aborts; what the call does then is nobody's concern any more. */
export async function unlessAborted<T>(call: Promise<T>, signal: AbortSignal): Promise<T | null> {
  call.catch(() => undefined);
  try {
    return await Promise.race([call, aborted(signal).then(() => null)]);
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
