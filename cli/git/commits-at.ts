import { AppError, gitComplaint } from '@nightshift/protocol';
import { knownCommits, type KnownCommit } from './known-commits.js';
import { tryGit } from './run-git.js';
import { withScratch } from './scratch.js';

/** What the repository at a URL knows of commits, from its branches and tags. @throws AppError `not_found` when it cannot be had. */
export function commitsAt(
  url: string,
  names: readonly string[],
  paths: readonly string[],
): Promise<Map<string, KnownCommit>> {
  return withScratch(async (folder) => {
    const refs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
    const { code, err } = await tryGit(['fetch', '--quiet', '--no-tags', '--end-of-options', url, ...refs], {
      cwd: folder,
    });
    if (code !== 0)
      throw new AppError('not_found', `git could not fetch ${url}: ${gitComplaint(err)}`, {
        hint: 'the commits of the session are looked for there; name another repository that has them with --repo',
      });
    return knownCommits({ top: folder, prefix: '' }, names, paths);
  });
}
