import { readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { writeOnce } from '../spool/atomic.js';
import { identityOf, isAlive, type ProcessIdentity } from './identity.js';

/**
 * Takes a lock file for this process; the holder is returned when a living process has it. A lock whose holder is dead,
 * or whose pid has been given to another process since, is taken over.
 */
export function takeLock(path: string): ProcessIdentity | null {
  const own = identityOf(process.pid);
  for (let tries = 0; tries < 5; tries++) {
    if (writeOnce(path, JSON.stringify(own))) return null;
    const holder = readHolder(path);
    if (holder && isAlive(holder)) return holder;
    rmSync(path, { force: true });
  }
  return { pid: 0, startTime: '' };
}

export function releaseLock(path: string): void {
  if (readHolder(path)?.pid === process.pid) rmSync(path, { force: true });
}

/** Does something while holding a lock, waiting for another process that holds it. */
export async function withLock<T>(path: string, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  while (takeLock(path) !== null) await delay(50, undefined, { signal });
  try {
    return await act();
  } finally {
    releaseLock(path);
  }
}

function readHolder(path: string): ProcessIdentity | null {
  try {
    const { pid, startTime } = JSON.parse(readFileSync(path, 'utf8')) as Partial<ProcessIdentity>;
    return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : null;
  } catch {
    return null;
  }
}
