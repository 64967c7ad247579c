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

/** Pause of a job that a box had no room for: long enough for its slots to be known, short enough for the next box. */
export const DECLINED_MS = 500;
/** A silent box keeps its job for the job's own limit plus this: the runner ends it by then, so a longer silence means that the box is gone. */
export const LOST_AFTER_MS = 15 * 60_000;
/** Uploaded trees are kept for so long after their last run. Shorter sends them again; longer keeps up to 64 MiB of the database each. */
export const ARCHIVE_KEEP_DAYS = 7;
/** An offer that was not accepted for so long is made again. Shorter repeats what is on its way; longer lets a box idle. */
export const OFFER_AGAIN_MS = 10_000;
