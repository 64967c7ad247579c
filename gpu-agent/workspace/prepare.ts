import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { copySource } from './copy-source.js';
import { checkoutGit } from './git-source.js';
import { listFiles, type SourceLimits } from './list-files.js';
import { setupKey, withSetup } from './setup-cache.js';
import { SourceError } from './source-error.js';

export interface PrepareInput {
  spec: JobSpec;
  home: string;
  work: string;
  limits: SourceLimits;
  signal: AbortSignal;
  /** Runs the setup command in a folder; false when it failed. */
  runSetup: (cwd: string) => Promise<boolean>;
}
export interface Workspace {
  fingerprint: Record<string, string>;
  /** False when setup ran and failed: what it printed says why. */
  isReady: boolean;
}

/**
 * Fills a job's `work/` with its source and with what setup made of it.
 * @throws SourceError when there is no such source, it is too large, or the disk is full.
 */
export async function prepareWorkspace({
  spec,
  home,
  work,
  limits,
  signal,
  runSetup,
}: PrepareInput): Promise<Workspace> {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true, mode: 0o700 });
  const fingerprint: Record<string, string> = {};
  let fill: (to: string) => string | Promise<string>;
  if (spec.source.kind === 'path') {
    const { path } = spec.source;
    if (!isAbsolute(path))
      throw new SourceError('source_unavailable', `the source path must be absolute on the box, got ${path}`);
    const files = await listFiles(path, limits, signal);
    fill = (to) => copySource(path, to, files);
  } else {
    const { url, ref } = spec.source;
    const indexPath = join(work, '..', 'git-index');
    fill = async (to) => {
      const { commit, tree } = await checkoutGit(
        { url, ref, cache: join(home, 'cache', 'git'), to, indexPath },
        signal,
      );
      rmSync(indexPath, { force: true });
      fingerprint['commit'] = commit;
      return tree;
    };
  }
  const sourceHash = await fill(work);
  fingerprint['source'] = sourceHash;
  if (spec.evaluate !== null) fingerprint['evaluator'] = evaluatorHash(spec.evaluate, work);
  if (spec.setup === null) return { fingerprint, isReady: true };
  const key = setupKey(sourceHash, spec.setup, spec.env);
  const outcome = await withSetup(
    { cache: join(home, 'cache', 'setup'), key, work, signal, fill: async (base) => void (await fill(base)) },
    runSetup,
  );
  fingerprint['setup'] = `${key} ${outcome}`;
  return { fingerprint, isReady: outcome !== 'failed' };
}

/** The evaluate command with the content of every file of the source that it names. */
export function evaluatorHash(command: string, work: string): string {
  const hash = createHash('sha256').update(command);
  for (const word of new Set(command.split(/[\s"'=;|&()<>]+/))) {
    const path = resolve(work, word);
    if (!path.startsWith(work + sep) || !existsSync(path) || !lstatSync(path).isFile()) continue;
    hash.update(`\0${word}\0`).update(readFileSync(path));
  }
  return hash.digest('hex');
}
