import type { Db } from '@nightshift/db';
import type { Log, Wake } from '../loop/deps.js';

export interface FleetDeps {
  db: Db;
  log: Log;
  wake: Wake;
}

/** What a session needs of a websocket; any host's socket fits. */
export interface AgentSocket {
  send(text: string): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** Times a job is given out before failures of the infrastructure end it. Fewer gives up on a rebooting box; more hides a broken one. */
export const MAX_ATTEMPTS = 5;
/** Pause before attempt n+1, doubling from here: a box that reboots needs a minute or two. */
export const RETRY_MS = 1_000;
/** Pause of a job that a box had no room for: long enough for its slots to be known, short enough for the next box. */
export const DECLINED_MS = 500;
/** A silent box keeps its job for the job's own limit plus this: the runner ends it by then, so a longer silence means that the box is gone. */
export const LOST_AFTER_MS = 15 * 60_000;
/** Failures of the infrastructure in a row after which a box is cordoned. */
export const BREAKER_FAILURES = 3;
/** An offer that was not accepted for so long is made again. Shorter repeats what is on its way; longer lets a box idle. */
export const OFFER_AGAIN_MS = 10_000;
