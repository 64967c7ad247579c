import { AppError } from '@nightshift/protocol';
import { forgetFetched } from './open-repository.js';
import { git, tryGit } from './run-git.js';

/** Who makes the commits of a run; see control-plane/ledger. */
const OURS = 'nightshift@localhost';

export interface ImportedCommit {
  id: string;
  subject: string;
  /** The iteration that it keeps; null for the first commit of a source without a repository. */
  iteration: number | null;
}
export interface ImportedBranch {
  branch: string;
  tip: string;
  /** Oldest first, without the commit of the source. */
  commits: ImportedCommit[];
}

/**
 * Puts the stream of a run into a repository. The same stream gives the same ids wherever and however often.
 * @throws AppError `conflict` when the branch is checked out and would change under its files, or has commits of somebody else.
 */
export async function importBranch(
  path: string,
  { stream, branch, baseCommit }: { stream: string; branch: string; baseCommit: string | null },
): Promise<ImportedBranch> {
  const ref = `refs/heads/${branch}`;
  const before = await tryGit(['rev-parse', '--verify', '--quiet', ref], { cwd: path });
  const old = before.code === 0 ? before.out.trim() : null;
  await git(['fast-import', '--quiet', '--force'], { cwd: path, stdin: stream });
  const tip = await git(['rev-parse', '--verify', ref], { cwd: path });
  if (old !== null && old !== tip) {
    const problem = await whyNotMove(path, ref, old, tip);
    if (problem !== null) {
      await git(['update-ref', ref, old], { cwd: path });
      throw new AppError('conflict', `${branch} ${problem}; it stays as it is`, {
        hint: `switch to another branch, or move this one away: git branch -m ${branch} kept-aside`,
      });
    }
  }
  await forgetFetched(path);
  return { branch, tip, commits: await commitsOf(path, ref, baseCommit) };
}

async function whyNotMove(path: string, ref: string, old: string, tip: string): Promise<string | null> {
  const worktrees = await git(['worktree', 'list', '--porcelain'], { cwd: path });
  if (worktrees.split('\n').includes(`branch ${ref}`)) return 'is checked out';
  const authors = await git(['log', '--format=%ce', `${tip}..${old}`], { cwd: path });
  return authors.split('\n').some((email) => email !== '' && email !== OURS) ? 'has commits of somebody else' : null;
}

async function commitsOf(path: string, ref: string, baseCommit: string | null): Promise<ImportedCommit[]> {
  const format = '%H%x00%(trailers:key=Nightshift-Iteration,valueonly,separator=%x2C)%x00%s';
  const range = baseCommit === null ? [ref] : [ref, `^${baseCommit}`];
  const text = await git(['log', '--reverse', `--format=${format}`, ...range, '--'], { cwd: path });
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [id = '', iteration = '', subject = ''] = line.split('\0');
      return { id, subject, iteration: /^\d+$/.test(iteration) ? Number(iteration) : null };
    });
}
