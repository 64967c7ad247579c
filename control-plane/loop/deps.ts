import type { Db } from '@nightshift/db';

/** A structured logger; pino fits. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Hints that something changed. They save time and carry no truth: a sweep finds whatever they missed. */
export interface Wake {
  run(runId: string): void;
  fleet(): void;
}

export interface LoopDeps {
  db: Db;
  log: Log;
  wake: Wake;
  /** Reads a variable of the control plane's environment by name: only keys that a spec names with apiKeyEnv. */
  apiKey(name: string): string | undefined;
  /** How long a proposal's lease holds without renewal. Shorter: a slow event loop loses its work. Longer: a dead worker's step waits. */
  leaseMs: number;
  signal: AbortSignal;
}
