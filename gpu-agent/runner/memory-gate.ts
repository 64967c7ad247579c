import { setTimeout as delay } from 'node:timers/promises';
import { availableMemoryBytes } from '../telemetry/host.js';
import type { StopSignal } from './stop-signal.js';

/** Unified memory takes up to about a minute to come back after a kill; starting before that gets the next job killed. */
const WAIT_MS = 90_000;
const POLL_MS = 250;

/**
 * Waits until there is half as much memory again as the guard's floor, so that a job is not blamed for what an earlier
 * one has left. False when it does not come back in time; at once true where there is no guard.
 */
export async function waitForMemory(
  floorBytes: number | null,
  stop: StopSignal,
  read: () => number | null = availableMemoryBytes,
  waitMs = WAIT_MS,
): Promise<boolean> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const available = read();
    if (floorBytes === null || available === null || available >= floorBytes * 1.5) return true;
    if (stop.cause || Date.now() > deadline) return false;
    await delay(Math.min(POLL_MS, waitMs));
  }
}
