import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { dropArtifacts, isArtifact } from './artifacts.js';
import { baseCommit, type BaseCommit } from './base-commit.js';
import { copyTree } from './copy-tree.js';
import { describeSource, digestSealed, hashSealed, otherCode, type SourceFacts } from './describe-source.js';
import type { SourceLimits } from './list-files.js';
import { applyOverlay } from './overlay.js';
import { runSource } from './run-source.js';
import { SourceError } from './source-error.js';
import { linkCreated, setupKey, withSetup } from './setup-cache.js';

export interface PrepareInput {
  spec: JobSpec;
  home: string;
  work: string;
  /** Code mode: the folder that the evaluator will run in, filled before training begins. */
  evaluation: string;
  limits: SourceLimits;
  signal: AbortSignal;
  /** Runs the setup command in a folder; false when it failed. */
  runSetup: (cwd: string) => Promise<boolean>;
  /** Code mode, the source as it is: told before setup runs. */
  onSource: (facts: SourceFacts & { baseCommit: string | null; basePrefix: string }) => void;
}
export interface Workspace {
  fingerprint: Record<string, string>;
  /** Hashes of the sealed files, taken before anything of the job ran. */
  sealed: SourceFacts['sealed'];
  /** The folder that setup made, which all jobs of this source share; null without setup. */
  setupBase: string | null;
  /** Files of the source folder that are no longer what the run began with, in words; null when they are. */
  changed: string | null;
  /** The source folder itself is not there: data and an environment that lie in it are missing. */
  isGone: boolean;
  /** False when setup ran and failed: what it printed says why. */
  isReady: boolean;
}

/**
 * Fills a job's `work/` with its source, with what setup made of it, and with the patched files of code mode. In code mode
 * with an evaluator, a second copy is made for that one, which no training ever sees.
 * @throws SourceError when there is no such source, it is too large, the disk is full, or what may be edited is not there.
 */
export async function prepareWorkspace(input: PrepareInput): Promise<Workspace> {
  const { spec, home, work, signal } = input;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true, mode: 0o700 });
  const fingerprint: Record<string, string> = {};
  const { fill, commit, changed, isGone = false } = await runSource(input);
  const sourceHash = await fill(work);
  fingerprint['source'] = sourceHash;
  const at = commit();
  if (at !== undefined) fingerprint['commit'] = at;
  if (spec.evaluate !== null) fingerprint['evaluator'] = evaluatorHash(spec.evaluate, work);
  const sealed = spec.edit ? await describe(input, spec.edit, fingerprint) : [];
  const workspace: Workspace = { fingerprint, sealed, setupBase: null, changed, isGone, isReady: true };
  if (spec.setup !== null) {
    const key = setupKey(sourceHash, spec.setup, spec.env);
    const cache = join(home, 'cache', 'setup');
    // The base is filled from the source as it is: setup is the person's, and no patch runs in it.
    const outcome = await withSetup(
      { cache, key, work, signal, fill: async (base) => void (await fill(base)) },
      input.runSetup,
    );
    fingerprint['setup'] = `${key} ${outcome}`;
    workspace.setupBase = join(cache, key);
    workspace.isReady = outcome !== 'failed';
  }
  if (spec.edit && workspace.isReady) layOut(input, spec.edit, workspace.setupBase);
  return workspace;
}

async function describe(
  { spec, work, signal, onSource }: PrepareInput,
  edit: NonNullable<JobSpec['edit']>,
  fingerprint: Record<string, string>,
): Promise<SourceFacts['sealed']> {
  const sealed = hashSealed(work, edit.sealed);
  fingerprint['sealed'] = digestSealed(sealed);
  if (spec.sealedDigest != null && sealed.length > 0 && spec.sealedDigest !== fingerprint['sealed'])
    throw new SourceError(
      'sealed_files_changed',
      `the sealed files here (${edit.sealed.join(', ')}) are not those that this run is measured with: bring this box's source to what it was when the run began, or start a new run`,
    );
  fingerprint['sealing'] = spec.evaluate === null ? 'unsealed' : 'sealed';
  if (!spec.overlay) {
    const facts = describeSource(work, edit);
    const code = spec.evaluate === null ? [] : otherCode(work, edit, spec.evaluate, facts);
    onSource({ ...facts, code, ...(await baseOf(spec.source, edit, fingerprint, signal)) });
  }
  return sealed;
}

async function baseOf(
  source: JobSpec['source'],
  edit: NonNullable<JobSpec['edit']>,
  fingerprint: Record<string, string>,
  signal: AbortSignal,
): Promise<{ baseCommit: string | null; basePrefix: string }> {
  if (source.kind === 'git') return { baseCommit: fingerprint['commit'] ?? null, basePrefix: '' };
  if (source.kind === 'archive') return { baseCommit: source.commit, basePrefix: source.prefix ?? '' };
  const base: BaseCommit | null = await baseCommit(source.path, edit, signal);
  return { baseCommit: base?.commit ?? null, basePrefix: base?.prefix ?? '' };
}

// The evaluator's copy is taken before the patch is laid over the first. It gets the edited files only where a declared list
// of artifacts does not rule them out: an evaluator may need them to build the model whose weights it reads.
function layOut(
  { spec, work, evaluation }: PrepareInput,
  edit: NonNullable<JobSpec['edit']>,
  setupBase: string | null,
): void {
  if (spec.evaluate !== null) {
    rmSync(evaluation, { recursive: true, force: true });
    // What is a link here was linked by setup (or by the source): links are copied as links.
    copyTree(work, evaluation, (path) => !isArtifact(path, edit));
    if (setupBase) linkCreated(setupBase, evaluation);
    dropArtifacts(evaluation, edit);
    const given = edit.files.filter((path) => edit.artifacts === null || edit.artifacts.includes(path));
    if (spec.overlay && given.length > 0)
      applyOverlay(
        evaluation,
        given,
        spec.overlay.filter(({ path }) => given.includes(path)),
      );
    dropArtifacts(work, edit);
  }
  if (spec.overlay) applyOverlay(work, edit.files, spec.overlay);
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
