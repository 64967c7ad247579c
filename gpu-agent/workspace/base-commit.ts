import type { JobSpec } from '@nightshift/protocol';
import { runGit } from './run-git.js';

/** The commit on which patches can stand, and where the project lies below the top of its repository (`` or `sub/dir/`). */
export interface BaseCommit {
  commit: string;
  prefix: string;
}

/**
 * HEAD, if the editable and the sealed files are what it has. Null outside git, and when one of these files is not committed as it is.
 */
export async function baseCommit(
  folder: string,
  edit: NonNullable<JobSpec['edit']>,
  signal: AbortSignal,
): Promise<BaseCommit | null> {
  const head = await runGit(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { cwd: folder, signal });
  if (head.code !== 0) return null;
  const prefix = await runGit(['rev-parse', '--show-prefix'], { cwd: folder, signal });
  if (prefix.code !== 0) return null;
  const paths = [...edit.files, ...edit.sealed];
  const status = await runGit(['--literal-pathspecs', 'status', '--porcelain', '--ignored', '--', ...paths], {
    cwd: folder,
    signal,
  });
  if (status.code !== 0 || status.stdout.trim() !== '') return null;
  return { commit: head.stdout.trim(), prefix: prefix.stdout.replace(/\n$/, '') };
}
