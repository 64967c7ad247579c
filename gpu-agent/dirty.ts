import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { identityOf, isAlive, type ProcessIdentity } from './process/identity.js';
import { sweep } from './process/sweep.js';
import { writeAtomic } from './spool/atomic.js';

interface LeftProcess extends ProcessIdentity {
  attemptId: string;
}

/** Processes that outlived KILL. While one of them lives the box is dirty and takes no work; the list outlives the agent. */
export class DirtyPids {
  readonly #path: string;
  #left: LeftProcess[];

  constructor(home: string) {
    this.#path = join(home, 'dirty.json');
    this.#left = read(this.#path).filter(isAlive);
  }

  get pids(): number[] {
    return this.#left.map((left) => left.pid).slice(0, 1000);
  }

  add(attemptId: string, pids: number[]): void {
    for (const pid of pids) {
      const identity = identityOf(pid);
      if (identity && !this.#left.some((left) => left.pid === pid)) this.#left.push({ ...identity, attemptId });
    }
    this.#save();
  }

  /** Forgets those that have ended meanwhile; true when that changed something. */
  recheck(): boolean {
    const before = this.#left.length;
    if (before > 0) this.#left = this.#left.filter(isAlive);
    if (this.#left.length !== before) this.#save();
    return this.#left.length !== before;
  }

  /** Hunts again for what the jobs left behind. */
  async clean(): Promise<void> {
    for (const attemptId of new Set(this.#left.map((left) => left.attemptId))) {
      const known = new Map(this.#left.map((left) => [left.pid, left.startTime]));
      await sweep({ attemptId, sessions: new Set(), known, sinceTicks: 0 });
    }
    this.recheck();
  }

  #save(): void {
    if (this.#left.length === 0) rmSync(this.#path, { force: true });
    else writeAtomic(this.#path, JSON.stringify(this.#left));
  }
}

function read(path: string): LeftProcess[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as LeftProcess[];
  } catch {
    return [];
  }
}
