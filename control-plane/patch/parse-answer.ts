import type { Patch, SourceFile } from '@nightshift/protocol';
import { applyEdit } from './apply-edit.js';
import type { Answer, Edit } from './edits.js';
import { makePatch } from './make-patch.js';
import { readAnswer } from './read-answer.js';

/** An answer may need a lookup for each line of each edit; beyond this it is no answer. */
export const MAX_EDITS = 200;

/**
 * Turns a model's answer into one canonical patch of the files; see `readAnswer` for the forms. Line ends and the end of a file stay as
 * they are. A problem says which block or hunk failed, and what stands in the file instead.
 */
export function parseAnswer(
  raw: unknown,
  files: readonly SourceFile[],
): { patch: Patch; summary: string; reason: string } | { problem: string } {
  const answer = readAnswer(raw);
  return 'problem' in answer ? answer : applyAnswer(answer, files);
}

/** The second half of `parseAnswer`, for the gate: it looks at the paths in between. */
export function applyAnswer(
  { edits, summary, reason }: Answer,
  files: readonly SourceFile[],
): { patch: Patch; summary: string; reason: string } | { problem: string } {
  if (edits.length > MAX_EDITS)
    return { problem: `the answer has ${edits.length} edits; at most ${MAX_EDITS} are taken` };
  const texts = new Map<string, string | null>(files.map(({ path, content }) => [path, content]));
  for (const [index, edit] of edits.entries()) {
    const path = pathOfEdit(edit, files);
    const label = `${edit.kind === 'replace' ? 'block' : edit.kind === 'diff' ? 'the diff' : 'the whole file'} ${
      edit.kind === 'replace' ? `${index + 1} ` : ''
    }of ${path ?? 'no file'}`.replace(/\s+/g, ' ');
    if (path === null)
      return {
        problem: `${edit.kind === 'replace' ? `block ${index + 1}` : 'the file'} names no path; it can be one of ${files.map((file) => file.path).join(', ')}`,
      };
    if (edit.kind === 'diff' && (edit.oddities.length > 0 || edit.oldPath !== path))
      return { problem: `${label} changes more than text: ${edit.oddities[0] ?? 'rename'}` };
    const applied = applyEdit(edit, texts.get(path) ?? null, label);
    if ('problem' in applied) return applied;
    texts.set(path, applied.text);
  }
  const after: SourceFile[] = [];
  for (const [path, content] of texts) if (content !== null) after.push({ path, content });
  const patch = makePatch(files, after);
  return {
    patch,
    summary: summary || `Change ${patch.files.map((file) => file.path).join(', ') || 'nothing'}`.slice(0, 72),
    reason,
  };
}

/** Without a path, the only file is meant. A path written from the root of the project counts the same. */
export function pathOfEdit(edit: Edit, files: readonly SourceFile[]): string | null {
  if (edit.path !== null) return edit.path.replace(/^\.\//, '');
  return files.length === 1 ? (files[0] as SourceFile).path : null;
}
