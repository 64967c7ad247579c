import type { Patch } from '@nightshift/protocol';
import { quote, sentence } from '../text.js';
import type { CodeContext } from './context.js';

/** Bytes of one file when the spec says nothing: a file that a person still reads, and a model can be shown. */
export const MAX_FILE_BYTES = 262_144;

/** Rail `size`: lines added and removed together, and the bytes of every file afterwards. */
export function railSize(patch: Patch, { maxChangedLines, maxFileBytes = MAX_FILE_BYTES }: CodeContext): string | null {
  const changed = patch.added + patch.removed;
  if (changed > maxChangedLines)
    return sentence(
      `the patch changes ${changed} lines (${patch.added} added, ${patch.removed} removed); at most ${maxChangedLines} may change.`,
    );
  for (const { path, after } of patch.files) {
    const bytes = after === null ? 0 : new TextEncoder().encode(after).byteLength;
    if (bytes > maxFileBytes)
      return sentence(`${quote(path)} would have ${bytes} bytes; at most ${maxFileBytes} are allowed.`);
  }
  return null;
}
