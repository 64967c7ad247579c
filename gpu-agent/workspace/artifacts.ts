import { constants, copyFileSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { mayHandOver } from './handed-over.js';
import { findBelow, isSafePath, type Found } from './safe-path.js';
import { isSealed } from './sealed-files.js';
import { walkFiles } from './walk-files.js';

type Edit = NonNullable<JobSpec['edit']>;

/** Everything that training may hand to the evaluator, together: a checkpoint is gigabytes, a hole of a terabyte is no checkpoint. */
const MAX_BYTES = 16 * 1024 ** 3;
const MAX_FILES = 10_000;

export type Taken =
  /** Those of `left` were not handed over, and it is not that somebody asked for them. */
  { notes: string[]; left: string[] } | { problem: string };

/** Whether a path is a declared artifact or lies in one. What is editable or sealed is never one: it has its own rules. */
export function isArtifact(path: string, edit: Edit): boolean {
  if (edit.files.includes(path) || isSealed(path, edit.sealed)) return false;
  return (edit.artifacts ?? []).some((artifact) => path === clean(artifact) || path.startsWith(`${clean(artifact)}/`));
}

/**
 * Takes declared artifacts out of a fresh copy of the source: the one that the evaluator reads must come from this training.
 * What lies behind a link is setup's and every job's: it stays, and is refused as an artifact later.
 */
export function dropArtifacts(folder: string, edit: Edit): void {
  for (const artifact of (edit.artifacts ?? []).map(clean)) {
    if (!isSafePath(artifact)) continue;
    const found = findBelow(folder, artifact);
    if (found === 'folder') {
      for (const file of walkFiles(join(folder, artifact)))
        if (isArtifact(`${artifact}/${file}`, edit)) rmSync(join(folder, artifact, file), { force: true });
    } else if (found !== 'missing' && !isBehindLink(folder, artifact) && isArtifact(artifact, edit))
      rmSync(join(folder, artifact), { force: true });
  }
}

/**
 * Copies what training left for the evaluator. Declared artifacts: exactly these, all of them. None declared: every new file
 * of data that cannot take the place of anything of the source. Plain files only; a link is never followed and what the source has is never overwritten.
 * @param before the paths that were in `work` when training began.
 */
export function takeArtifacts(input: TakeInput): Taken {
  try {
    return take(input);
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    // The disk is the box's; rights and names are what training left.
    if (code === undefined || code === 'ENOSPC' || code === 'EIO') throw error;
    return { problem: `what training left cannot be read (${code}${path ? ` ${path.slice(-200)}` : ''})` };
  }
}

interface TakeInput {
  work: string;
  to: string;
  edit: Edit;
  evaluate: string;
  before: ReadonlyMap<string, string>;
}

function take(input: TakeInput): Taken {
  const { work, to, edit } = input;
  const paths: string[] = [];
  const notes: string[] = [];
  const left: string[] = [];
  if (edit.artifacts === null) {
    const isData = mayHandOver(to, edit, input.evaluate);
    for (const path of walkFiles(work, 200_000)) {
      if (input.before.has(path) || edit.files.includes(path)) continue;
      if (findBelow(work, path) === 'file' && isData(path)) paths.push(path);
      else left.push(path);
    }
    if (left.length > 0)
      notes.push(
        `the evaluator is not given ${list(left)}: without edit.artifacts it gets new files of data that its code names, or that lie beside nothing of the source (list an artifact in edit.artifacts to hand it over)`,
      );
    for (const path of input.before.keys())
      if (!edit.files.includes(path) && isChanged(work, path, input.before))
        notes.push(`training changed ${path}, which the source has: the evaluator sees the source's own`);
  } else {
    for (const artifact of edit.artifacts.map(clean)) {
      if (edit.files.includes(artifact)) continue; // comes from the overlay
      if (!isSafePath(artifact))
        return { problem: `${JSON.stringify(artifact)} cannot be an artifact (edit.artifacts)` };
      const found = findBelow(work, artifact);
      if (found === 'folder')
        for (const file of walkFiles(join(work, artifact))) {
          const path = `${artifact}/${file}`;
          if (!isArtifact(path, edit)) continue;
          if (findBelow(work, path) !== 'file') return refuse(path, findBelow(work, path));
          paths.push(path);
        }
      else if (found !== 'file') return refuse(artifact, found);
      else if (isArtifact(artifact, edit)) paths.push(artifact);
    }
  }
  if (paths.length > MAX_FILES)
    return {
      problem: `training left ${paths.length} files for the evaluator; ${MAX_FILES} are the limit (edit.artifacts)`,
    };
  const bytes = paths.reduce((sum, path) => sum + lstatSync(join(work, path)).size, 0);
  if (bytes > MAX_BYTES)
    return { problem: `training left ${gib(bytes)} GiB for the evaluator; ${gib(MAX_BYTES)} GiB are the limit` };
  for (const path of paths) {
    const target = join(to, path);
    if (findBelow(to, path) !== 'missing' || isBehindLink(to, path)) {
      notes.push(`the evaluator is not given ${path}: the source has it`);
      continue;
    }
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(work, path), target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  }
  return { notes, left };
}

function isBehindLink(folder: string, path: string): boolean {
  return path.includes('/') && findBelow(folder, dirname(path)) === 'link';
}

function isChanged(work: string, path: string, before: ReadonlyMap<string, string>): boolean {
  const stat = lstatSync(join(work, path), { bigint: true, throwIfNoEntry: false });
  if (!stat) return false;
  return !before.get(path)?.endsWith(`${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`);
}

function refuse(path: string, found: Found): Taken {
  if (found === 'missing')
    return { problem: `training left no ${path}, which the evaluator is to read (edit.artifacts)` };
  return {
    problem: `training left ${path} as ${found === 'link' ? 'a symbolic link, or behind one' : 'something that is no file'}: an artifact is a plain file`,
  };
}

function clean(path: string): string {
  return path.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
}

export function list(paths: string[]): string {
  return paths.length > 5 ? `${paths.slice(0, 5).join(', ')} and ${paths.length - 5} more` : paths.join(', ');
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}
