import type { JobSpec } from '@nightshift/protocol';
import { runGit } from './run-git.js';

/**
 * The commit on which patches can stand: HEAD, if the editable and the sealed files are what it has. Null outside git, when one of
 * these files is not committed as it is, and below the top of a repository: the paths of a patch are the project's, not the repository's.
 */
export async function baseCommit(
  folder: string,
  edit: NonNullable<JobSpec['edit']>,
  signal: AbortSignal,
): Promise<string | null> {
  const head = await runGit(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { cwd: folder, signal });
  if (head.code !== 0) return null;
  const prefix = await runGit(['rev-parse', '--show-prefix'], { cwd: folder, signal });
  if (prefix.code !== 0 || prefix.stdout.trim() !== '') return null;
  const paths = [...edit.files, ...edit.sealed];
  const status = await runGit(['--literal-pathspecs', 'status', '--porcelain', '--ignored', '--', ...paths], {
    cwd: folder,
    signal,
  });
  return status.code === 0 && status.stdout.trim() === '' ? head.stdout.trim() : null;
}
