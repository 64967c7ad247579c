import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gitComplaint } from '@nightshift/protocol';
import { withLock } from '../process/lock.js';
import { runGit, type GitResult } from './run-git.js';
import { SourceError } from './source-error.js';

export interface GitCheckout {
  commit: string;
  /** The tree's id: equal for equal content, whatever the commit says. */
  tree: string;
}

/**
 * Writes the files of a ref into a folder, from a bare mirror that is kept for each URL. A full commit id that the
 * mirror has needs no network.
 * @throws SourceError `source_unavailable` with what git said.
 */
export async function checkoutGit(
  input: { url: string; ref: string | null; cache: string; to: string; indexPath: string },
  signal: AbortSignal,
): Promise<GitCheckout> {
  const { url, ref } = input;
  if (url.startsWith('-') || ref?.startsWith('-'))
    throw new SourceError('source_unavailable', 'a git URL or ref cannot start with "-"');
  mkdirSync(input.cache, { recursive: true, mode: 0o700 });
  const mirror = join(input.cache, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.git`);
  const git = async (args: string[], doing: string, env: Record<string, string> = {}): Promise<GitResult> => {
    const result = await runGit([`--git-dir=${mirror}`, ...args], { signal, env });
    signal.throwIfAborted();
    if (result.code !== 0)
      throw new SourceError('source_unavailable', `git could not ${doing} ${url}: ${gitComplaint(result.stderr)}`);
    return result;
  };
  const commit = await withLock(`${mirror}.lock`, signal, async () => {
    if ((await runGit([`--git-dir=${mirror}`, 'rev-parse', '--git-dir'], { signal })).code !== 0) {
      await git(['init', '--bare', '--quiet'], 'make a mirror of');
    }
    const isCommit = ref !== null && /^[0-9a-f]{40}$/.test(ref);
    const has =
      isCommit && (await runGit([`--git-dir=${mirror}`, 'cat-file', '-e', `${ref}^{commit}`], { signal })).code === 0;
    if (!has)
      await git(
        [
          'fetch',
          '--quiet',
          '--prune',
          '--force',
          url,
          '+refs/heads/*:refs/heads/*',
          '+refs/tags/*:refs/tags/*',
          '+HEAD:refs/nightshift/head',
        ],
        'fetch',
      );
    for (const name of ref === null ? ['refs/nightshift/head'] : [`refs/heads/${ref}`, `refs/tags/${ref}`, ref]) {
      const found = await runGit([`--git-dir=${mirror}`, 'rev-parse', '--verify', '--quiet', `${name}^{commit}`], {
        signal,
      });
      if (found.code === 0) return found.stdout.trim();
    }
    throw new SourceError('source_unavailable', `${url} has no branch, tag or commit ${ref ?? 'HEAD'}`);
  });
  await git([`--work-tree=${input.to}`, 'read-tree', '--reset', '-u', commit], 'check out', {
    GIT_INDEX_FILE: input.indexPath,
  });
  const tree = await git(['rev-parse', `${commit}^{tree}`], 'read');
  return { commit, tree: tree.stdout.trim() };
}
