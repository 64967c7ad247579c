import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeOnce } from '../spool/atomic.js';

/** Runs that are remembered in each folder; the oldest go first. A run that is taken up again after so many others starts anew. */
const KEPT = 500;

/** What this box holds a run to, set by its first job here and by none after it. Null while there is none. */
export function readRunRecord<T>(home: string, kind: 'rulers' | 'sources', runId: string): T | null {
  try {
    return JSON.parse(readFileSync(pathOf(home, kind, runId), 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Sets the record unless there is one. Returns the one that stands. */
export function setRunRecord<T>(home: string, kind: 'rulers' | 'sources', runId: string, record: T): T {
  mkdirSync(join(home, kind), { recursive: true, mode: 0o700 });
  if (writeOnce(pathOf(home, kind, runId), JSON.stringify(record))) return record;
  return readRunRecord<T>(home, kind, runId) ?? record;
}

/** Forgets the oldest records beyond those kept. */
export function pruneRunRecords(home: string): void {
  for (const folder of [join(home, 'rulers'), join(home, 'sources')]) {
    let names: string[];
    try {
      names = readdirSync(folder);
    } catch {
      continue; // no run needed one yet
    }
    if (names.length <= KEPT) continue;
    const byAge = names
      .map((name) => ({ name, atMs: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
      .sort((a, b) => b.atMs - a.atMs);
    for (const { name } of byAge.slice(KEPT)) rmSync(join(folder, name), { force: true });
  }
}

function pathOf(home: string, kind: string, runId: string): string {
  return join(home, kind, `${createHash('sha256').update(runId).digest('hex').slice(0, 32)}.json`);
}
