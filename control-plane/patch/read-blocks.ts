import type { Edit } from './edits.js';
import { pathOf } from './path-line.js';

const OPEN = /^<{5,9}\s*(?:SEARCH|ORIGINAL)\s*$/;
const MIDDLE = /^={5,9}\s*$/;
const CLOSE = /^>{5,9}\s*(?:REPLACE|UPDATED)?\s*$/;

export function hasBlocks(lines: readonly string[]): boolean {
  return lines.some((line) => OPEN.test(line));
}

/** Search/replace blocks. A block without a path line belongs to the file of the block before it. */
export function readBlocks(lines: readonly string[]): { edits: Edit[]; firstLine: number } | { problem: string } {
  const edits: Edit[] = [];
  let firstLine = -1;
  let path: string | null = null;
  for (let at = 0; at < lines.length; at++) {
    if (!OPEN.test(lines[at] as string)) continue;
    const number = edits.length + 1;
    const named = pathBefore(lines, at);
    path = named?.path ?? path;
    if (firstLine < 0) firstLine = named?.line ?? at;
    const middle = lines.findIndex((line, index) => index > at && MIDDLE.test(line));
    const next = lines.findIndex((line, index) => index > at && OPEN.test(line));
    if (middle < 0 || (next >= 0 && next < middle)) return { problem: `block ${number} has no line =======` };
    const close = lines.findIndex((line, index) => index > middle && CLOSE.test(line));
    if (close < 0 || (next >= 0 && next < close)) return { problem: `block ${number} has no line >>>>>>> REPLACE` };
    edits.push({
      kind: 'replace',
      path,
      search: lines.slice(at + 1, middle),
      replacement: lines.slice(middle + 1, close),
    });
    at = close;
  }
  return { edits, firstLine };
}

/** The path stands on the line before the block, or before the fence that the block stands in. */
function pathBefore(lines: readonly string[], block: number): { path: string; line: number } | null {
  for (let at = block - 1; at >= Math.max(0, block - 3); at--) {
    const line = lines[at] as string;
    if (CLOSE.test(line)) return null;
    const path = pathOf(line);
    if (path !== null) return { path, line: at };
    if (line.trim() !== '' && !/^\s*(?:`{3,}|~{3,})/.test(line)) return null;
  }
  return null;
}
