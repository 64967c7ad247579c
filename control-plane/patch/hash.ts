import { createHash } from 'node:crypto';
import type { SourceFile } from '@nightshift/protocol';

/** SHA-256 of a text's bytes in UTF-8, in hex. */
export function hashText(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** One hash for the editable files together: what tells whether the same code was measured before. Order does not matter. */
export function treeHash(files: readonly SourceFile[]): string {
  const entries = files.map(({ path, content }): [string, string] => [path, hashText(content)]);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return hashText(JSON.stringify(entries));
}
