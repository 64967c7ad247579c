import { closest } from './closest.js';
import type { Edit, Hunk } from './edits.js';
import { joinLines, likeOriginal, mainLineEnd, splitLines, type TextLines } from './text-lines.js';

const OMISSION =
  /^\s*(?:#|\/\/|\/\*|--|<!--)\s*(?:\.\.\.|…).*\b(?:rest|existing|unchanged|same|remain\w*|keep|previous|code)\b|^\s*(?:#|\/\/)\s*(?:rest|remainder) of (?:the )?(?:\w+ )?(?:code|file|function|class)\b.*(?:same|unchanged|\.\.\.|here)/i;

/** Places where it may go, as text for a model that has to do it again. */
type Applied = { text: string | null } | { problem: string };

/** Applies one edit to a file's text (null: there is no such file). `label` names the edit in problems: "block 2". */
export function applyEdit(edit: Edit, text: string | null, label: string): Applied {
  if (edit.kind === 'whole') return applyWhole(edit.content, text, label);
  if (edit.kind === 'replace') return applyReplace(edit, text, label);
  if (edit.isDeleted && edit.hunks.length === 0)
    return text === null ? { problem: `${label} deletes a file that does not exist` } : { text: null };
  if (edit.isNew && text !== null) return { problem: `${label} creates a file that exists: change it instead` };
  if (!edit.isNew && text === null) return { problem: `${label} changes a file that does not exist` };
  return applyHunks(edit.hunks, edit.isDeleted, text ?? '', text === null, label);
}

function applyWhole(content: string, text: string | null, label: string): Applied {
  const lines = splitLines(content).lines;
  const before = new Set(splitLines(text ?? '').lines);
  const left = lines.findIndex((line) => OMISSION.test(line) && !before.has(line));
  if (left >= 0)
    return {
      problem: `${label} leaves code out at its line ${left + 1} (${excerpt(lines[left] as string)}): write the whole file, or use blocks`,
    };
  return { text: likeOriginal(content, text) };
}

function applyReplace(
  { search, replacement }: Extract<Edit, { kind: 'replace' }>,
  text: string | null,
  label: string,
): Applied {
  const file = splitLines(text ?? '');
  if (search.every((line) => line.trim() === '')) {
    if (file.lines.length > 0) return { problem: `${label} searches for nothing in a file that has text` };
    return { text: likeOriginal(replacement.map((line) => `${line}\n`).join(''), text) };
  }
  if (text === null) return { problem: `${label} changes a file that does not exist` };
  const places = find(search, file.lines, 0);
  if (places.length === 0) return { problem: `${label} does not apply: ${notFound(search, file.lines)}` };
  if (places.length > 1)
    return {
      problem: `${label} fits ${places.length} places (lines ${list(places)}): search for more lines, so that one is left`,
    };
  return { text: splice(file, places[0] as number, search.length, replacement, null) };
}

function applyHunks(hunks: readonly Hunk[], isDeleted: boolean, text: string, isNew: boolean, label: string): Applied {
  let file = splitLines(text);
  let floor = 0;
  let shift = 0;
  for (const [index, hunk] of hunks.entries()) {
    const name = `${label}, hunk ${index + 1} (${hunk.header.trim()})`;
    const old = hunk.lines.filter((line) => line[0] !== '+').map((line) => line.slice(1));
    const isCounted = hunk.oldStart !== null && hunk.oldCount === old.length;
    const expected = hunk.oldStart === null ? null : hunk.oldStart - 1 + shift;
    let at: number;
    if (old.length === 0) {
      // Nothing to look for: only the header can say where, and only when it is right.
      if (!isCounted && file.lines.length > 0)
        return { problem: `${name} has no line of the file, so its place is unknown` };
      at = file.lines.length === 0 ? 0 : (expected as number) + 1;
      if (at < floor || at > file.lines.length)
        return { problem: `${name} lies outside the file of ${file.lines.length} lines` };
    } else {
      const places = find(old, file.lines, floor);
      if (places.length === 0) return { problem: `${name} does not apply: ${notFound(old, file.lines)}` };
      const exact = expected !== null && places.includes(expected) && isCounted;
      if (!exact && places.length > 1)
        return { problem: `${name} fits ${places.length} places (lines ${list(places)}): give more lines of context` };
      at = exact ? (expected as number) : (places[0] as number);
    }
    const result = splitLines(spliceHunk(file, at, hunk));
    const news = hunk.lines.filter((line) => line[0] !== '-').length;
    shift += news - old.length;
    floor = at + news;
    file = result;
  }
  if (isDeleted)
    return file.lines.length === 0 ? { text: null } : { problem: `${label} deletes the file, but lines are left` };
  return { text: isNew && hunks.length === 0 ? '' : joinLines(file) };
}

/** Context keeps the file's own bytes; only lines that the hunk adds are new. */
function spliceHunk(file: TextLines, at: number, hunk: Hunk): string {
  const end = mainLineEnd(file);
  const lines = file.lines.slice(0, at);
  const ends = file.ends.slice(0, at);
  let from = at;
  let lastIsNew = false;
  for (const line of hunk.lines) {
    if (line[0] === '+') {
      lines.push(line.slice(1).replace(/\r$/, ''));
      ends.push(end);
    } else {
      if (line[0] === ' ') {
        lines.push(file.lines[from] as string);
        ends.push(file.ends[from] as string);
      }
      from++;
    }
    lastIsNew = line[0] === '+' || (line[0] === '-' && lastIsNew);
  }
  const reachesEnd = from >= file.lines.length;
  lines.push(...file.lines.slice(from));
  ends.push(...file.ends.slice(from));
  return closeLines(lines, ends, end, reachesEnd, hunk, file);
}

function closeLines(
  lines: string[],
  ends: string[],
  end: string,
  reachesEnd: boolean,
  hunk: Hunk | null,
  file: TextLines,
): string {
  // Only the last line may stand without a line end.
  for (let index = 0; index < lines.length - 1; index++) if (ends[index] === '') ends[index] = end;
  if (reachesEnd && lines.length > 0) {
    const endsOpen = file.lines.length > 0 && file.ends.at(-1) === '';
    const isSaid = hunk !== null && (hunk.oldEndsOpen || hunk.newEndsOpen);
    const opens = isSaid ? (hunk as Hunk).newEndsOpen : endsOpen;
    const last = lines.length - 1;
    if (opens) ends[last] = '';
    else if (ends[last] === '') ends[last] = end;
  }
  return joinLines({ lines, ends });
}

function splice(file: TextLines, at: number, count: number, replacement: readonly string[], hunk: Hunk | null): string {
  const end = mainLineEnd(file);
  const lines = [...file.lines.slice(0, at), ...replacement, ...file.lines.slice(at + count)];
  const ends = [...file.ends.slice(0, at), ...replacement.map(() => end as string), ...file.ends.slice(at + count)];
  return closeLines(lines, ends, end, at + count >= file.lines.length, hunk, file);
}

/** Places (from 0) where the lines stand as they are; failing that, where they differ in white space at line ends only. */
function find(wanted: readonly string[], lines: readonly string[], floor: number): number[] {
  const exact = places(
    wanted.map((line) => line.replace(/\r$/, '')),
    lines,
    floor,
  );
  if (exact.length > 0) return exact;
  return places(
    wanted.map((line) => line.trimEnd()),
    lines.map((line) => line.trimEnd()),
    floor,
  );
}

function places(wanted: readonly string[], lines: readonly string[], floor: number): number[] {
  const found: number[] = [];
  for (let at = floor; at + wanted.length <= lines.length; at++) {
    let offset = 0;
    while (offset < wanted.length && lines[at + offset] === wanted[offset]) offset++;
    if (offset === wanted.length) found.push(at);
  }
  return found;
}

function notFound(wanted: readonly string[], lines: readonly string[]): string {
  const present = new Set(lines.map((line) => line.trimEnd()));
  const absent = wanted.find((line) => !present.has(line.trimEnd()));
  const which =
    absent === undefined ? 'its lines stand in the file, but not together' : `the file has no line ${excerpt(absent)}`;
  const near = closest(wanted, lines);
  return near === null ? which : `${which}; the closest is line ${near.line}: ${near.text.map(excerpt).join(' ⏎ ')}`;
}

function excerpt(line: string): string {
  return JSON.stringify(line.length > 100 ? `${line.slice(0, 100)}…` : line);
}

function list(places: readonly number[]): string {
  return `${places
    .slice(0, 5)
    .map((at) => at + 1)
    .join(', ')}${places.length > 5 ? ', …' : ''}`;
}
