import type { Edit } from '../../patch/edits.js';
import { pathOfEdit } from '../../patch/parse-answer.js';
import type { CodeContext } from './context.js';
import { quote, sentence } from '../text.js';

const ODDITIES = {
  rename: 'renames a file',
  copy: 'copies a file',
  mode: 'changes the mode of a file',
  symlink: 'makes a symbolic link',
  submodule: 'makes a submodule',
  binary: 'is binary',
};

/** Rail `paths`: only editable files are touched, each by its own name, and nothing but their text. */
export function railPaths(edits: readonly Edit[], { editable, files, sealed }: CodeContext): string | null {
  for (const edit of edits) {
    const path = pathOfEdit(edit, files);
    if (path === null) continue;
    const problem =
      pathProblem(path, editable, sealed.sealedFiles) ?? (edit.kind === 'diff' ? diffProblem(edit, path) : null);
    if (problem !== null) return sentence(`${problem}. Files that may be changed: ${editable.join(', ')}.`);
  }
  return null;
}

function diffProblem(edit: Extract<Edit, { kind: 'diff' }>, path: string): string | null {
  const odd = edit.oddities[0];
  if (odd !== undefined) return `the change of ${quote(path)} ${ODDITIES[odd]}; only text may be changed`;
  if (edit.oldPath !== edit.path)
    return `the diff names ${quote(edit.oldPath)} and ${quote(edit.path)}: files are not renamed`;
  return null;
}

function pathProblem(path: string, editable: readonly string[], sealedFiles: readonly string[]): string | null {
  const shown = quote(path);
  if (/[\0-\x1f\x7f]/.test(path)) return `the path ${shown} holds a control character`;
  if (path.includes('\\')) return `the path ${shown} has a backslash`;
  if (/^(?:\/|~|[A-Za-z]:)/.test(path)) return `the path ${shown} is absolute`;
  const parts = path.split('/');
  if (parts.includes('..')) return `the path ${shown} climbs out with ..`;
  if (parts.some((part) => part === '' || part === '.')) return `the path ${shown} is not written plainly`;
  if (
    parts.some((part) =>
      /^\.git(?:$|[.~])|^git~\d$/i.test(part.normalize('NFKC').replace(/[\u200b-\u200f\u2060-\u206f\ufeff]/g, '')),
    )
  )
    return `the path ${shown} belongs to git`;
  if (editable.includes(path)) return null;
  if (sealedFiles.includes(path)) return `${shown} is sealed`;
  const near = editable.find((name) => fold(name) === fold(path));
  if (near !== undefined) return `${shown} looks like ${near} and is another file`;
  return `${shown} is not editable`;
}

/** What one file system, or one reader, takes for the same name. */
function fold(path: string): string {
  return path
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{Cf}\p{M}]/gu, '')
    .replace(/[. ]+$/, '')
    .replace(/[аеорсухіѕ]/g, (letter) => 'aeopcyxis'['аеорсухіѕ'.indexOf(letter)] as string);
}
