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

/** What a commit changes in the editable files of a folder. @throws AppError `bad_request` when it changes none of them. */
export async function commitPatch(
  folder: string,
  commit: string,
  { files, sealed }: { files: readonly string[]; sealed: readonly string[] },
): Promise<CommitPatch> {
  if (commit.startsWith('-')) throw new AppError('bad_request', `${commit} is no commit`);
  const id = await git(['rev-parse', '--verify', '--end-of-options', `${commit}^{commit}`], { cwd: folder });
  const message = await git(['log', '-1', '--format=%s%x00%b', id], { cwd: folder });
  const [subject = '', body = ''] = message.split('\0');
  const range = ['--no-renames', '--no-ext-diff', '--no-textconv', '--no-color', '--relative', `${id}^1`, id];
  const diff = await git(
    ['--literal-pathspecs', 'diff', '--unified=3', '--src-prefix=a/', '--dst-prefix=b/', ...range, '--', ...files],
    { cwd: folder },
  );
  const names = await git(['diff', '--name-only', '-z', '--no-renames', '--relative', `${id}^1`, id], { cwd: folder });
  const changed = names.split('\0').filter(Boolean);
  if (diff === '') throw noEdit(commit, changed, files, sealed);
  return { subject, body: body.trim(), diff: `${diff}\n`, left: changed.filter((path) => !files.includes(path)) };
}

function noEdit(commit: string, changed: string[], files: readonly string[], sealed: readonly string[]): AppError {
  const isSealed = (path: string) =>
    sealed.some((name) => path === name || path.startsWith(name.endsWith('/') ? name : `${name}/`));
  const rail = `the rail paths lets a patch change ${files.join(', ')} and nothing else`;
  const broken = changed.filter(isSealed);
  if (broken.length > 0) return refused(`${commit} changes ${listed(broken)}, which the run seals`, rail);
  if (changed.length > 0) return refused(`${commit} changes ${listed(changed)} and none of the editable files`, rail);
  return refused(
    `${commit} changes nothing in this folder, and none of the editable files (${files.join(', ')})`,
    'name the folder of the project with --repo: paths are relative to it',
  );
}

function refused(message: string, hint: string): AppError {
  return new AppError('bad_request', message, { hint });
}

function listed(paths: string[]): string {
  return paths.length > 3 ? `${paths.slice(0, 3).join(', ')} and ${paths.length - 3} more` : paths.join(', ');
}
