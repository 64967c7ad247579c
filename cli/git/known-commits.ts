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
/** Commits that one process is asked about: fewer costs processes, more holds more of their files in memory. */
const TOGETHER = 64;

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
  const keys = new Map<string, string>();
  const all = [...new Set(names)];
  for (let at = 0; at < all.length; at += TOGETHER) {
    const found = await commitsOf(place, all.slice(at, at + TOGETHER));
    const ids = [...new Set(found.values())];
    const diffs = await diffsOf(place, ids, paths);
    const codeKeys = await codeKeysOf(place, ids, paths, keys);
    for (const [name, id] of found)
      known.set(name, { id, diff: diffs.get(id) ?? null, codeKey: codeKeys.get(id) as string });
  }
  return known;
}

/** The files of a project as a commit has them; one that it does not have is left out. */
export async function filesAt(place: Place, commit: string, paths: readonly string[]): Promise<SourceFile[]> {
  const blobs = await blobsOf(place, [commit], paths);
  const texts = await textsOf(place, new Set(blobs));
  return filesOf(paths, blobs, texts);
}

async function commitsOf(place: Place, names: readonly string[]): Promise<Map<string, string>> {
  const ids = await askObjects(
    place,
    names.map((name) => `${name}^{commit}`),
    'commit',
  );
  // Hex digits can be a branch's name, too: what is found has to be the commit that was meant.
  return new Map(names.flatMap((name, i) => (ids[i]?.startsWith(name) ? [[name, ids[i]] as const] : [])));
}

/** The files as a commit has them, as ids of blobs: one row of `paths` for each commit, null where it has no such file. */
function blobsOf(place: Place, commits: readonly string[], paths: readonly string[]): Promise<(string | null)[]> {
  const asked = commits.flatMap((commit) => paths.map((path) => `${commit}:${place.prefix}${path}`));
  return askObjects(place, asked, 'blob');
}

/** SHA-256 of the files of each commit together. `known`: what was worked out before, by the ids of the blobs. */
async function codeKeysOf(
  place: Place,
  commits: readonly string[],
  paths: readonly string[],
  known: Map<string, string>,
): Promise<Map<string, string>> {
  const blobs = await blobsOf(place, commits, paths);
  const own = commits.map((_, i) => blobs.slice(i * paths.length, (i + 1) * paths.length));
  const texts = await textsOf(place, new Set(own.filter((row) => !known.has(row.join(' '))).flat()));
  return new Map(
    own.map((row, i) => {
      const key = known.get(row.join(' ')) ?? treeHash(filesOf(paths, row, texts));
      known.set(row.join(' '), key);
      return [commits[i] as string, key];
    }),
  );
}

function filesOf(
  paths: readonly string[],
  blobs: readonly (string | null)[],
  texts: ReadonlyMap<string, string>,
): SourceFile[] {
  return paths.flatMap((path, i) => {
    const content = texts.get(blobs[i] ?? '');
    return content === undefined ? [] : [{ path, content }];
  });
}

/** Whole ids of what is asked for; null for what is not there, or is something else. One process for all. */
async function askObjects(place: Place, asked: readonly string[], type: string): Promise<(string | null)[]> {
  // A line break would be two questions.
  const stdin = asked.map((name) => `${name.includes('\n') ? '' : name}\n`).join('');
  const { out } = await tryGit(['cat-file', '--batch-check=%(objecttype) %(objectname)'], { cwd: place.top, stdin });
  const ids = out.split('\n').map((line) => {
    const [, kind, id] = /^(blob|commit|tree|tag) ([0-9a-f]{40,64})$/.exec(line) ?? [];
    return kind === type ? id : undefined;
  });
  return asked.map((_, i) => ids[i] ?? null);
}

async function textsOf(place: Place, blobs: ReadonlySet<string | null>): Promise<Map<string, string>> {
  const asked = [...blobs].filter((id) => id !== null);
  const texts = new Map<string, string>();
  if (asked.length === 0) return texts;
  const stdin = asked.map((id) => `${id}\n`).join('');
  const { bytes } = await tryGit(['cat-file', '--batch'], { cwd: place.top, stdin });
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\n', at);
    const [id, , size] = bytes.toString('latin1', at, end).split(' ');
    if (end === -1 || size === undefined) break;
    texts.set(id as string, bytes.toString('utf8', end + 1, end + 1 + Number(size)));
    at = end + 1 + Number(size) + 1;
  }
  return texts;
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

/** What commits changed in the files against their first parents; nothing of one that has none, or changed none of them. */
async function diffsOf({ top, prefix }: Place, commits: readonly string[], paths: readonly string[]) {
  const asked = commits.flatMap((commit) => [`${commit}^1^{tree}`, `${commit}^{tree}`]);
  const trees = await askObjects({ top, prefix }, asked, 'tree');
  const pairs = commits.flatMap((commit, i) => {
    const [before, after] = [trees[2 * i], trees[2 * i + 1]];
    return before && after ? [{ commit, line: `${before} ${after}\n` }] : [];
  });
  const within = [
    '-p',
    '--no-renames',
    '--no-ext-diff',
    '--no-textconv',
    '--no-color',
    '--unified=2',
    `--relative=${prefix}`,
  ];
  const below = paths.map((path) => `${prefix}${path}`);
  const { out } = await tryGit(['--literal-pathspecs', 'diff-tree', '--stdin', ...within, '--', ...below], {
    cwd: top,
    stdin: pairs.map(({ line }) => line).join(''),
  });
  const diffs = new Map<string, string>();
  let at = 0;
  for (const [i, { commit, line }] of pairs.entries()) {
    // Git repeats each pair before its diff, and no line of a diff begins as a pair does.
    const next = pairs[i + 1]?.line;
    const from = at + line.length;
    const end = next === undefined ? out.length : nextLine(out, next, from);
    const diff = out.slice(from, end);
    // Half of a surrogate pair at the cut has no place in a database.
    if (diff !== '') diffs.set(commit, diff.replaceAll('\0', '').slice(0, DIFF_CHARS).toWellFormed());
    at = end;
  }
  return diffs;
}

function nextLine(text: string, line: string, from: number): number {
  if (text.startsWith(line, from)) return from;
  const found = text.indexOf(`\n${line}`, from);
  return found === -1 ? text.length : found + 1;
}
