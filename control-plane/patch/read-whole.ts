import type { Edit } from './edits.js';
import { pathOf } from './path-line.js';

const FENCE = /^\s{0,3}(`{3,}|~{3,})(.*)$/;

/** Whole files, each a line with its path and one fence. One fence without a path is taken when it is the only one. */
export function readWhole(lines: readonly string[]): { edits: Edit[]; firstLine: number } | { problem: string } {
  const edits: Edit[] = [];
  let firstLine = -1;
  const openings = fences(lines);
  for (const [index, { at, mark }] of openings.entries()) {
    const before = lineBefore(lines, at);
    const path = (before === null ? null : pathOf(lines[before] as string)) ?? pathOf(lines[at] as string);
    if (path === null && openings.length > 1) continue;
    const limit = nextNamed(lines, openings, index);
    const close = closing(lines, at, mark, limit);
    if (close < 0)
      return { problem: `the fence ${path === null ? '' : `of ${path} `}is never closed: the answer was cut short` };
    if (firstLine < 0) firstLine = before !== null && pathOf(lines[before] as string) !== null ? before : at;
    edits.push({
      kind: 'whole',
      path,
      content: lines
        .slice(at + 1, close)
        .map((line) => `${line}\n`)
        .join(''),
    });
  }
  return { edits, firstLine };
}

/** Fences that open something: those with a path, or the first after a closed one. */
function fences(lines: readonly string[]): { at: number; mark: string }[] {
  const found: { at: number; mark: string }[] = [];
  let inside: string | null = null;
  lines.forEach((line, at) => {
    const fence = FENCE.exec(line);
    if (!fence) return;
    const mark = fence[1] as string;
    const isBare = (fence[2] as string).trim() === '';
    const before = lineBefore(lines, at);
    const isNamed = before !== null && pathOf(lines[before] as string) !== null;
    if (inside === null || (isNamed && !isBare)) {
      found.push({ at, mark });
      inside = mark;
    } else if (isBare && mark.startsWith(inside)) inside = null;
  });
  return found;
}

function nextNamed(lines: readonly string[], openings: readonly { at: number }[], index: number): number {
  const next = openings[index + 1];
  return next ? (lineBefore(lines, next.at) ?? next.at) : lines.length;
}

/** The last bare fence before the next file, so that a prompt file may hold fences of its own. */
function closing(lines: readonly string[], open: number, mark: string, limit: number): number {
  for (let at = limit - 1; at > open; at--) {
    const text = (lines[at] as string).trim();
    if (text.length >= mark.length && text === (mark[0] as string).repeat(text.length)) return at;
  }
  return -1;
}

function lineBefore(lines: readonly string[], at: number): number | null {
  for (let before = at - 1; before >= Math.max(0, at - 2); before--)
    if ((lines[before] as string).trim() !== '') return before;
  return null;
}
