import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setRunRecord } from './run-record.js';

/** What a measurement is made with, by name: sealed files, and files that the evaluator's interpreter loads by itself. */
export type Ruler = Readonly<Record<string, string>>;

/**
 * Holds the jobs of a run on this box to one ruler: the first job's. Returns the name of what differs, or null.
 * Without it a file that was changed on the box would be noticed once and believed from the next job on.
 */
export function differsFromRun(home: string, runId: string, ruler: Ruler): string | null {
  const first = setRunRecord(home, 'rulers', runId, ruler);
  for (const name of new Set([...Object.keys(first), ...Object.keys(ruler)]))
    if (first[name] !== ruler[name]) return name;
  return null;
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
