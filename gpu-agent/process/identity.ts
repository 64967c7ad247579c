import { readProcess } from './table.js';

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

/** The identity of a living process; null when there is none (a zombie is dead). */
export function identityOf(pid: number): ProcessIdentity | null {
  const row = readProcess(pid);
  return row && !isDead(row.state) ? { pid, startTime: row.startTime } : null;
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.startTime === identity.startTime;
}

export function isDead(state: string): boolean {
  return state === 'Z' || state === 'X';
}
