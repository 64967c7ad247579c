import type { Patch } from '@nightshift/protocol';
import { quote, sentence } from '../text.js';
import { readCode, type Code } from './read-code.js';

// Text that shows in another order than it runs, or does not show at all.
const HIDDEN =
  /[\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufff9-\ufffb\u{e0000}-\u{e007f}]|(?!^)\ufeff|[\0\x01-\x08\x0b\x0e-\x1f\x7f]|\p{Cs}/u;

/** Rail `syntax`: every file that the patch leaves behind can be parsed and shows all that it says. */
export function railSyntax(
  patch: Patch,
  before: ReadonlyMap<string, string>,
): { codes: Map<string, Code> } | { problem: string } {
  const codes = new Map<string, Code>();
  for (const { path, after } of patch.files) {
    if (after === null) continue;
    const old = new Set((before.get(path) ?? '').split('\n'));
    for (const [index, line] of after.split('\n').entries()) {
      const hidden = old.has(line) ? null : HIDDEN.exec(line);
      if (hidden)
        return {
          problem: sentence(
            `${path}, line ${index + 1} holds the character ${quote(hidden[0])}, which hides or reorders text.`,
          ),
        };
    }
    const read = readCode(path, after);
    if ('problem' in read) return { problem: sentence(`${path}, line ${read.line}: ${read.problem}.`) };
    codes.set(path, read.code);
  }
  return { codes };
}
