import type { SourceFile } from '@nightshift/protocol';
import { treeHash } from '@nightshift/control-plane/patch/hash';
import { tryGit } from './run-git.js';

/** A project in a repository: where git runs, and where the project's paths begin below its top (`` or `sub/dir/`). */
export interface Place {
  top: string;
  prefix: string;
}

export interface KnownCommit {
  /** The whole id. */
  id: string;
  /** What it changed in the files, against its first parent; null for a first commit, and when it changed none of them. */
  diff: string | null;
  /** SHA-256 of the files at it together. */
  codeKey: string;
}

/** Characters of one diff that are handed on; a prompt shows fewer. */
const DIFF_CHARS = 20_000;

/**
 * The repository around a folder; null when there is none.
 * @param isProject whether the paths of the project begin at the folder, and not at the top of the repository.
 */
export async function placeOf(folder: string, isProject: boolean): Promise<Place | null> {
  const bare = await tryGit(['rev-parse', '--is-bare-repository'], { cwd: folder });
  if (bare.code !== 0) return null;
  if (bare.out.trim() === 'true') return { top: folder, prefix: '' };
  const top = await tryGit(['rev-parse', '--show-toplevel'], { cwd: folder });
  const prefix = await tryGit(['rev-parse', '--show-prefix'], { cwd: folder });
  if (top.code !== 0 || prefix.code !== 0) return null;
  return { top: top.out.replace(/\n$/, ''), prefix: isProject ? prefix.out.replace(/\n$/, '') : '' };
}

/** What a repository knows of commits, by the names they were asked under. One that it does not have is left out. */
export async function knownCommits(
  place: Place,
  names: readonly string[],
  paths: readonly string[],
): Promise<Map<string, KnownCommit>> {
  const known = new Map<string, KnownCommit>();
  for (const name of new Set(names)) {
    const found = await tryGit(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], {
      cwd: place.top,
    });
    // Hex digits can be a branch's name, too: what is found has to be the commit that was meant.
    const id = found.out.trim();
    if (found.code !== 0 || !id.startsWith(name)) continue;
    known.set(name, { id, diff: await diffOf(place, id, paths), codeKey: treeHash(await filesAt(place, id, paths)) });
  }
  return known;
}

/** The files of a project as a commit has them; one that it does not have is left out. */
export async function filesAt(place: Place, commit: string, paths: readonly string[]): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const path of paths) {
    const shown = await tryGit(['cat-file', 'blob', `${commit}:${place.prefix}${path}`], { cwd: place.top });
    if (shown.code === 0) files.push({ path, content: shown.out });
  }
  return files;
}

/** Paths of the project that differ between a commit and the working tree; a folder stands for all that is in it. */
export async function changedSince(
  { top, prefix }: Place,
  commit: string,
  paths: readonly string[],
): Promise<string[]> {
  if (paths.length === 0) return [];
  const within = ['--name-only', '-z', '--no-renames', `--relative=${prefix}`];
  const { out } = await tryGit(
    ['--literal-pathspecs', 'diff', ...within, commit, '--', ...paths.map((path) => `${prefix}${path}`)],
    { cwd: top },
  );
  return out.split('\0').filter(Boolean);
}

async function diffOf({ top, prefix }: Place, commit: string, paths: readonly string[]): Promise<string | null> {
  const plain = ['--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', '--unified=2', `--relative=${prefix}`];
  const within = paths.map((path) => `${prefix}${path}`);
  const diff = await tryGit(['--literal-pathspecs', 'diff', ...plain, `${commit}^1`, commit, '--', ...within], {
    cwd: top,
  });
  // Half of a surrogate pair at the cut has no place in a database.
  return diff.code !== 0 || diff.out === '' ? null : diff.out.replaceAll('\0', '').slice(0, DIFF_CHARS).toWellFormed();
}
