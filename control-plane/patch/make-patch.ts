import type { Patch, SourceFile } from '@nightshift/protocol';
import { diffOf } from './diff-of.js';
import { hashText } from './hash.js';

/** The one canonical patch between two states of some files. A file that is in one state only is new or deleted. */
export function makePatch(before: readonly SourceFile[], after: readonly SourceFile[]): Patch {
  const old = new Map(before.map(({ path, content }) => [path, content]));
  const now = new Map(after.map(({ path, content }) => [path, content]));
  const patch: Patch = { files: [], diff: '', added: 0, removed: 0 };
  for (const path of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [from, to] = [old.get(path) ?? null, now.get(path) ?? null];
    if (from === to) continue;
    const { diff, added, removed } = diffOf(path, from, to);
    patch.files.push({ path, before: from === null ? null : hashText(from), after: to });
    patch.diff += diff;
    patch.added += added;
    patch.removed += removed;
  }
  return patch;
}
