import { setTimeout as delay } from 'node:timers/promises';
import type { Postmaster } from './postmaster-file.js';
import { isRunning, type Launch, launchPostmaster, stopPostmaster } from './postmaster.js';

// How late the death of the server is noticed. A look costs one read of /proc on Linux, and a `ps` elsewhere.
const WATCH_MS = process.platform === 'linux' ? 200 : 2_000;
// Longer between tries only delays the recovery of a full disk that was cleared; shorter fills the log.
const MAX_RETRY_MS = 30_000;

export interface KeptPostmaster {
  current(): Postmaster;
  /** Ends the watch, then the server. */
  stop(): Promise<void>;
}

/** Starts the server again, on the same socket, whenever it dies; clients reconnect by themselves. */
export function keepRunning(launch: Launch, first: Postmaster, log: (message: string) => void): KeptPostmaster {
  let postmaster = first;
  const ending = new AbortController();
  const pause = (ms: number) => delay(ms, undefined, { ref: false, signal: ending.signal }).catch(() => undefined);

  async function watch(): Promise<void> {
    let retryMs = WATCH_MS;
    while (!ending.signal.aborted) {
      await pause(retryMs);
      if (ending.signal.aborted || (await isRunning(postmaster))) continue;
      log(`Postgres, pid ${postmaster.pid}, is gone: starting it again`);
      try {
        postmaster = await launchPostmaster(launch);
        retryMs = WATCH_MS;
        log(`Started Postgres again, pid ${postmaster.pid}`);
      } catch (error) {
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
        log(`${error instanceof Error ? error.message : String(error)} Trying again in ${retryMs} ms`);
      }
    }
  }

  const watching = watch();
  return {
    current: () => postmaster,
    async stop() {
      ending.abort();
      await watching;
      await stopPostmaster(postmaster);
    },
  };
}
