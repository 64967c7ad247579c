import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { AppError } from '@nightshift/protocol';
import { git, tryGit } from './run-git.js';

const FETCHED = 'refs/nightshift/fetched';

/** Where a commit of the source can be fetched from: a URL, or a folder on this machine. */
export interface Origin {
  baseCommit: string | null;
  source: string | null;
}

/**
 * The repository that a branch goes to: the one around the current folder, or the asked one, which is made when it is not there. It
 * has the commit that the run started from afterwards.
 * @returns its top folder (for a bare one, its folder).
 * @throws AppError `bad_request` when there is none, `not_found` when the commit cannot be had.
 */
export async function openRepository(asked: string | undefined, origin: Origin): Promise<string> {
  const folder = resolve(asked ?? '.');
  if (asked !== undefined && (!existsSync(folder) || readdirSync(folder).length === 0)) {
    mkdirSync(folder, { recursive: true });
    await git(['init', '--quiet'], { cwd: folder });
  }
  const found = await tryGit(['rev-parse', '--show-toplevel'], { cwd: folder });
  const bare = found.code === 0 ? null : await tryGit(['rev-parse', '--is-bare-repository'], { cwd: folder });
  if (bare !== null && bare.out.trim() !== 'true')
    throw new AppError('bad_request', `${folder} is in no git repository`, {
      hint: 'run it in the repository of the project, or name a folder with --repo: it is made when it is not there',
    });
  const path = bare === null ? found.out.trim() : folder;
  await ensureBase(path, origin);
  return path;
}

/** Fetches the commit that the run started from, when the repository does not have it. Leaves no ref behind. */
export async function ensureBase(path: string, { baseCommit, source }: Origin): Promise<void> {
  const has = async () =>
    baseCommit === null || (await tryGit(['cat-file', '-e', `${baseCommit}^{commit}`], { cwd: path })).code === 0;
  if (await has()) return;
  const from = source === null ? null : await repositoryOf(source);
  if (from !== null && !from.startsWith('-')) {
    // A clone without its whole history is taken as it is: git would else fetch commits without their parents and call it done.
    // Most servers give a commit by its id; the others give what their branches and tags hold.
    await tryGit(['fetch', '--quiet', '--no-tags', '--update-shallow', from, baseCommit as string], { cwd: path });
    if (await has()) return;
    const refs = [`+refs/heads/*:${FETCHED}/heads/*`, `+refs/tags/*:${FETCHED}/tags/*`];
    await tryGit(['fetch', '--quiet', '--no-tags', '--update-shallow', from, ...refs], { cwd: path });
    if (await has()) return;
  }
  throw new AppError('not_found', `the run started from commit ${baseCommit}, which is not in ${path}`, {
    hint: 'run it in a repository of the project, or fetch that commit first',
  });
}

/** A project may lie below the top of its repository, which git cannot fetch from there. */
async function repositoryOf(source: string): Promise<string> {
  if (!isAbsolute(source) || !existsSync(source)) return source;
  const top = await tryGit(['rev-parse', '--absolute-git-dir'], { cwd: source });
  return top.code === 0 ? top.out.trim() : source;
}

/** Takes away the refs that fetching a base may have left; its objects stay, since the branch stands on them. */
export async function forgetFetched(path: string): Promise<void> {
  const refs = await git(['for-each-ref', '--format=delete %(refname)', FETCHED], { cwd: path });
  if (refs !== '') await git(['update-ref', '--stdin'], { cwd: path, stdin: `${refs}\n` });
}
