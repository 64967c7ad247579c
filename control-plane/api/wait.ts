import { setTimeout as sleep } from 'node:timers/promises';

/** Pace at which long answers look at the database again. Shorter costs queries, longer shows news late. */
const LOOK_MS = 200;

/** Looks until `isDone` says so, the time is over, or the host shuts down. */
export async function waitFor(
  signal: AbortSignal,
  timeoutMs: number,
  isDone: () => Promise<boolean>,
): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    if (await isDone()) return true;
    if (performance.now() >= until || signal.aborted) return false;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}
