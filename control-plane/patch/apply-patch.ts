import type { Patch, SourceFile } from '@nightshift/protocol';
import { hashText } from './hash.js';

/** The files after a patch, sorted by path; a problem when they are not those that the patch was made for. */
export function applyPatch(files: readonly SourceFile[], patch: Patch): { files: SourceFile[] } | { problem: string } {
  const texts = new Map(files.map(({ path, content }) => [path, content]));
  for (const { path, before, after } of patch.files) {
    const text = texts.get(path);
    if (before === null && text !== undefined) return { problem: `${path} exists already` };
    if (before !== null && text === undefined) return { problem: `${path} does not exist` };
    if (before !== null && hashText(text as string) !== before)
      return { problem: `${path} is not the file that the patch was made for` };
    if (after === null) texts.delete(path);
    else texts.set(path, after);
  }
  return { files: [...texts].map(([path, content]) => ({ path, content })).sort((a, b) => (a.path < b.path ? -1 : 1)) };
}
