import { constants, copyFileSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { findBelow, isSafePath, type Found } from './safe-path.js';
import { walkFiles } from './walk-files.js';

type Edit = NonNullable<JobSpec['edit']>;

/** Everything that training may hand to the evaluator, together: a checkpoint is gigabytes, a hole of a terabyte is no checkpoint. */
const MAX_BYTES = 16 * 1024 ** 3;
const MAX_FILES = 10_000;

export type Taken = { notes: string[] } | { problem: string };

/** Whether a path is a declared artifact or lies in one. What is editable or sealed is never one: it has its own rules. */
export function isArtifact(path: string, edit: Edit): boolean {
  if (edit.files.includes(path) || isSealed(path, edit)) return false;
  return (edit.artifacts ?? []).some((artifact) => path === clean(artifact) || path.startsWith(`${clean(artifact)}/`));
}

/** Takes declared artifacts out of a fresh copy of the source: the one that the evaluator reads must come from this training. */
export function dropArtifacts(folder: string, edit: Edit): void {
  for (const artifact of (edit.artifacts ?? []).map(clean)) {
    if (!isSafePath(artifact)) continue;
    const found = findBelow(folder, artifact);
    if (found === 'folder') {
      for (const file of walkFiles(join(folder, artifact)))
        if (isArtifact(`${artifact}/${file}`, edit)) rmSync(join(folder, artifact, file), { force: true });
    } else if (found !== 'missing' && isArtifact(artifact, edit)) rmSync(join(folder, artifact), { force: true });
  }
}

/**
 * Copies what training left for the evaluator. Declared artifacts: exactly these, all of them. None declared: every new file
 * that cannot be code. Plain files only; a link is never followed and what the source has is never overwritten.
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
  before: ReadonlyMap<string, string>;
}

function take(input: TakeInput): Taken {
  const { work, to, edit } = input;
  const paths: string[] = [];
  const notes: string[] = [];
  if (edit.artifacts === null) {
    const left: string[] = [];
    for (const path of walkFiles(work, 200_000)) {
      if (input.before.has(path) || edit.files.includes(path)) continue;
      if (findBelow(work, path) !== 'file') left.push(path);
      else if (isCodeLike(path)) left.push(path);
      else paths.push(path);
    }
    if (left.length > 0)
      notes.push(
        `the evaluator is not given ${list(left)}: code, links and hidden files of training stay behind (name an artifact in edit.artifacts to hand it over)`,
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
    if (findBelow(to, path) !== 'missing' || (path.includes('/') && findBelow(to, dirname(path)) === 'link')) {
      notes.push(`the evaluator is not given ${path}: the source has it`);
      continue;
    }
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(work, path), target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  }
  return { notes };
}

const CODE_SUFFIX =
  /\.(?:py[a-z]?|pth|egg|egg-link|so(?:\.[\d.]+)?|dylib|dll|node|wasm|[cm]?[jt]sx?|sh|bash|zsh|fish|pl|rb|lua|jl|r)$/i;
const CODE_NAME =
  /^(?:package\.json|package-lock\.json|tsconfig.*\.json|pyvenv\.cfg|pyproject\.toml|setup\.cfg|makefile|dockerfile)$/i;

/** A file that an interpreter could take for code, or that changes how code is found. */
function isCodeLike(path: string): boolean {
  const parts = path.split('/');
  const name = parts.at(-1) ?? '';
  return (
    parts.some((part) => part.startsWith('.') || part === 'node_modules' || part === '__pycache__') ||
    CODE_SUFFIX.test(name) ||
    CODE_NAME.test(name)
  );
}

function isSealed(path: string, edit: Edit): boolean {
  return edit.sealed.some((sealed) => path === sealed || path.startsWith(`${sealed}/`));
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

function list(paths: string[]): string {
  return paths.length > 5 ? `${paths.slice(0, 5).join(', ')} and ${paths.length - 5} more` : paths.join(', ');
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}
