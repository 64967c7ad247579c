import { existsSync, readFileSync, realpathSync } from 'node:fs';
import type { JobSpec } from '@nightshift/protocol';
import type { JobDir } from '../spool/job-dir.js';
import type { SourceFacts } from '../workspace/describe-source.js';
import { hashSealed } from '../workspace/describe-source.js';
import { removeTreeSync } from '../workspace/remove-tree.js';
import { pythonStartFiles } from '../workspace/ruler.js';
import { firstChange, stampFolder } from '../workspace/walk-files.js';
import type { Ending } from './classify.js';

export interface TamperInput {
  spec: JobSpec;
  dir: JobDir;
  sealed: SourceFacts['sealed'];
  setupBase: string | null;
  venv: string | null;
  userHome: string;
  /** In a sandbox none of this can be written: only what is cheap is looked at. */
  isSandboxed: boolean;
}

/** Touched by every job that uses the folder. */
const TOUCHED = /(?:^|\/)(?:__pycache__\/|\.nightshift-setup\.json$)/;

/**
 * Remembers, before edited code runs, everything that the evaluator will rely on; the answer says afterwards what of it is not
 * as it was. Without a sandbox this is what stands between a patch and its ruler: it finds changes, it does not prevent them.
 */
export function watchTampering(input: TamperInput): () => Ending | null {
  const { spec, dir, setupBase } = input;
  const specText = readFileSync(dir.spec, 'utf8');
  const evaluation = existsSync(dir.evaluation) ? stampFolder(dir.evaluation) : null;
  const isWatchful = !input.isSandboxed;
  const base = isWatchful && setupBase ? stampFolder(setupBase, skips) : null;
  const { venv } = input;
  const environment =
    isWatchful && venv && !(setupBase && existsSync(setupBase) && venv.startsWith(`${realpathSync(setupBase)}/`))
      ? venv
      : null;
  const packages = environment && stampFolder(environment, skips);
  const started = isWatchful ? startFiles(input) : null;
  // This run no longer reads the person's folder; the next one will, and it would begin with another ruler.
  const folder = isWatchful && spec.source.kind === 'path' ? spec.source.path : null;
  const live = folder === null ? new Map<string, string | undefined>() : hashesIn(folder, input.sealed);
  // Gone for now: if it comes back while the job runs, then as the run knows it.
  if (folder !== null && !existsSync(folder)) for (const { path, sha256 } of input.sealed) live.set(path, sha256);

  return () => {
    if (existsSync(dir.exit)) return cheated('exit.json was written by the job itself: only its runner writes it');
    if (readText(dir.spec) !== specText) return cheated('the job changed its own spec.json');
    if (evaluation) {
      const path = changeIn(dir.evaluation, evaluation);
      if (path !== null) return cheated(`the job reached into the evaluator's folder and changed ${path}`);
    }
    if (base && setupBase) {
      const path = changeIn(setupBase, base, skips);
      if (path !== null) {
        // Every later job of this source would run with it: setup makes it anew.
        removeTreeSync(setupBase);
        return cheated(
          `the job changed ${path} in the folder that setup made for all jobs; it is made anew for the next`,
        );
      }
    }
    const changed =
      (packages && environment && changeIn(environment, packages, skips)) ??
      (started && firstChange(started, startFiles(input)));
    if (changed)
      return {
        reason: 'sealed_files_changed',
        detail: `${changed}, which the evaluator's interpreter loads, changed while the job ran`,
      };
    return folder === null ? null : checkSource(folder, live);
  };
}

/** Whoever it was: a person who edits there meanwhile costs the run one job that is made again. */
function checkSource(source: string, before: ReadonlyMap<string, string | undefined>): Ending | null {
  if (!existsSync(source)) return null; // no ruler of any run
  const now = hashesIn(
    source,
    [...before.keys()].map((path) => ({ path })),
  );
  for (const [path, sha256] of before)
    if (now.get(path) !== sha256)
      return {
        reason: 'sealed_files_changed',
        detail: `the sealed file ${path} changed in the source folder while the job ran, and without a sandbox it may have been the job`,
      };
  return null;
}

function hashesIn(source: string, files: readonly { path: string }[]): Map<string, string | undefined> {
  return new Map(
    files.map(({ path }) => {
      try {
        return [path, hashSealed(source, [path])[0]?.sha256];
      } catch {
        return [path, undefined]; // gone, or no plain file any more
      }
    }),
  );
}

function changeIn(
  folder: string,
  before: ReadonlyMap<string, string>,
  leavesOut?: (path: string) => boolean,
): string | null {
  try {
    return firstChange(before, stampFolder(folder, leavesOut));
  } catch {
    return 'what can be read of it'; // gone, or its rights were taken away
  }
}

function startFiles({ userHome, venv }: TamperInput): Map<string, string> {
  return new Map(Object.entries(pythonStartFiles(userHome, venv)));
}

function skips(path: string): boolean {
  return TOUCHED.test(path);
}

function cheated(detail: string): Ending {
  return { reason: 'cheated', detail };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
