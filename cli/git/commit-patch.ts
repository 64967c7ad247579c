import { AppError } from '@nightshift/protocol';
import { git } from './run-git.js';

export interface CommitPatch {
  subject: string;
  body: string;
  /** Unified, of the given files only; paths are relative to the folder. */
  diff: string;
  /** Files that the commit changes and that are none of those: they are not part of the diff. */
  left: string[];
}

/** What a commit changes in some files of a folder. @throws AppError `bad_request` when it changes none of them. */
export async function commitPatch(folder: string, commit: string, files: readonly string[]): Promise<CommitPatch> {
  if (commit.startsWith('-')) throw new AppError('bad_request', `${commit} is no commit`);
  const id = await git(['rev-parse', '--verify', '--end-of-options', `${commit}^{commit}`], { cwd: folder });
  const message = await git(['log', '-1', '--format=%s%x00%b', id], { cwd: folder });
  const [subject = '', body = ''] = message.split('\0');
  const range = ['--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', '--relative', `${id}^1`, id];
  const diff = await git(
    ['--literal-pathspecs', 'diff', '--unified=3', '--src-prefix=a/', '--dst-prefix=b/', ...range, '--', ...files],
    { cwd: folder },
  );
  if (diff === '')
    throw new AppError('bad_request', `${commit} changes none of the editable files (${files.join(', ')})`, {
      hint: 'name the folder of the project with --repo: paths are relative to it',
    });
  const changed = (
    await git(['diff', '--name-only', '-z', '--no-renames', '--relative', `${id}^1`, id], { cwd: folder })
  )
    .split('\0')
    .filter(Boolean);
  return { subject, body: body.trim(), diff: `${diff}\n`, left: changed.filter((path) => !files.includes(path)) };
}
