import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeOnce } from '../spool/atomic.js';

/** What a measurement is made with, by name: sealed files, and files that the evaluator's interpreter loads by itself. */
export type Ruler = Readonly<Record<string, string>>;

/** Rulers that are kept; the oldest go first. A run that is taken up again after so many others sets its ruler anew. */
const KEPT = 500;

/**
 * Holds the jobs of a run on this box to one ruler: the first job's. Returns the name of what differs, or null.
 * Without it a file that was changed on the box would be noticed once and believed from the next job on.
 */
export function differsFromRun(home: string, runId: string, ruler: Ruler): string | null {
  const folder = join(home, 'rulers');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${createHash('sha256').update(runId).digest('hex').slice(0, 32)}.json`);
  if (writeOnce(path, JSON.stringify(ruler))) return null;
  const first = JSON.parse(readFileSync(path, 'utf8')) as Ruler;
  for (const name of new Set([...Object.keys(first), ...Object.keys(ruler)]))
    if (first[name] !== ruler[name]) return name;
  return null;
}

/** Forgets the oldest rulers beyond those kept. */
export function pruneRulers(home: string): void {
  const folder = join(home, 'rulers');
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return; // no edited code has run here
  }
  if (names.length <= KEPT) return;
  const byAge = names
    .map((name) => ({ name, atMs: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.atMs - a.atMs);
  for (const { name } of byAge.slice(KEPT)) rmSync(join(folder, name), { force: true });
}

/** Hashes of the files that Python loads at every start: from the user's site packages, and from an environment's. */
export function pythonStartFiles(userHome: string, venv: string | null): Record<string, string> {
  const found: Record<string, string> = {};
  for (const library of [join(userHome, '.local', 'lib'), ...(venv ? [join(venv, 'lib')] : [])])
    for (const version of list(library))
      for (const name of list(join(library, version, 'site-packages')))
        if (/^(?:site|user)customize(?:\.py)?$|\.pth$/.test(name)) {
          const path = join(library, version, 'site-packages', name);
          found[path] = hashOf(path);
        }
  return found;
}

function hashOf(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return 'a folder, or not to be read';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
