import type { Edit, Hunk, Oddity } from './edits.js';

type DiffEdit = Extract<Edit, { kind: 'diff' }>;

const HUNK = /^@@(?:\s*-(\d+)(?:,(\d+))?\s+\+(\d+)(?:,(\d+))?\s*@@.*|.*)$/;

export function hasDiff(lines: readonly string[]): boolean {
  return lines.some(
    (line, at) =>
      line.startsWith('diff --git ') || (line.startsWith('--- ') && (lines[at + 1] ?? '').startsWith('+++ ')),
  );
}

/** A unified diff, plain or from git, wherever it stands in the text. */
export function readDiff(lines: readonly string[]): { edits: Edit[]; firstLine: number } | { problem: string } {
  const edits: DiffEdit[] = [];
  let firstLine = -1;
  let current: DiffEdit | null = null;
  let hasNames = false;
  const open = (path: string, oldPath: string): DiffEdit => {
    const edit: DiffEdit = { kind: 'diff', path, oldPath, isNew: false, isDeleted: false, oddities: [], hunks: [] };
    edits.push(edit);
    hasNames = false;
    return edit;
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line.startsWith('diff --git ')) {
      const names = gitNames(line.slice('diff --git '.length));
      if (names === null) return { problem: `the line ${JSON.stringify(line.slice(0, 80))} names no two files` };
      current = open(names[1], names[0]);
      if (firstLine < 0) firstLine = at;
    } else if (line.startsWith('--- ') && (lines[at + 1] ?? '').startsWith('+++ ')) {
      const [before, after] = [fileName(line.slice(4)), fileName((lines[at + 1] as string).slice(4))];
      if (firstLine < 0) firstLine = at;
      if (current === null || hasNames) current = open('', '');
      hasNames = true;
      current.isNew ||= before === null;
      current.isDeleted ||= after === null;
      current.path = after ?? before ?? '';
      current.oldPath = before ?? after ?? '';
      at++;
    } else if (line.startsWith('@@')) {
      if (current === null) return { problem: 'a hunk stands before any line that names a file' };
      const read = readHunk(lines, at);
      current.hunks.push(read.hunk);
      at = read.next - 1;
    } else if (current !== null && current.hunks.length === 0) note(line, current);
  }
  return { edits, firstLine };
}

function note(line: string, edit: DiffEdit): void {
  const mode = /^(?:new file|deleted file|old|new) mode (\d{6})|^index \S+ (\d{6})$/.exec(line);
  if (line.startsWith('new file mode')) edit.isNew = true;
  if (line.startsWith('deleted file mode')) edit.isDeleted = true;
  if (mode) {
    const bits = mode[1] ?? mode[2];
    const odd: Oddity | null =
      bits === '120000' ? 'symlink' : bits === '160000' ? 'submodule' : bits === '100644' ? null : 'mode';
    // The mode that a file has already is no change, and neither is the one that it loses.
    const isChange = /^(?:old|new) mode/.test(line) || line.startsWith('new file');
    if (odd !== null && (odd !== 'mode' || isChange)) edit.oddities.push(odd);
    else if (/^(?:old|new) mode/.test(line)) edit.oddities.push('mode');
  }
  if (/^(?:rename|similarity) /.test(line)) edit.oddities.push('rename');
  if (line.startsWith('copy ')) edit.oddities.push('copy');
  if (line.startsWith('GIT binary patch') || line.startsWith('Binary files ')) edit.oddities.push('binary');
}

function readHunk(lines: readonly string[], start: number): { hunk: Hunk; next: number } {
  const header = lines[start] as string;
  const numbers = HUNK.exec(header);
  const count = (text: string | undefined) => (text === undefined ? 1 : Number(text));
  const isNumbered = numbers?.[1] !== undefined;
  const hunk: Hunk = {
    header: header.slice(0, 80),
    oldStart: isNumbered ? Number(numbers[1]) : null,
    oldCount: isNumbered ? count(numbers[2]) : null,
    newCount: isNumbered ? count(numbers[4]) : null,
    lines: [],
    oldEndsOpen: false,
    newEndsOpen: false,
  };
  let [olds, news] = [0, 0];
  let at = start + 1;
  for (; at < lines.length; at++) {
    const line = lines[at] as string;
    const isComplete = isNumbered && olds >= (hunk.oldCount as number) && news >= (hunk.newCount as number);
    if (line.startsWith('\\')) {
      const last = hunk.lines.at(-1)?.[0];
      if (last !== '+') hunk.oldEndsOpen = true;
      if (last !== '-') hunk.newEndsOpen = true;
      continue;
    }
    if (line.startsWith('@@') || line.startsWith('diff --git ') || /^(?:`{3,}|~{3,})\s*$/.test(line)) break;
    // Two lines of a hunk can look like the names of the next file; the counts of the header tell.
    if (line.startsWith('--- ') && (lines[at + 1] ?? '').startsWith('+++ ') && (isComplete || !isNumbered)) break;
    if (isComplete && (line === '' || !/^[-+ ]/.test(line))) break;
    const mark = line === '' ? ' ' : (line[0] as string);
    if (!/[-+ ]/.test(mark)) break;
    hunk.lines.push(line === '' ? ' ' : line);
    if (mark !== '+') olds++;
    if (mark !== '-') news++;
  }
  // Blank lines behind a hunk belong to the answer, not to the file, unless the header's count is right with them.
  while (
    hunk.lines.at(-1) === ' ' &&
    lines[start + hunk.lines.length] === '' &&
    (!isNumbered || olds !== (hunk.oldCount as number))
  ) {
    hunk.lines.pop();
    olds--;
  }
  return { hunk, next: at };
}

/** `a/x b/x`, quoted or not; with equal names the middle is where both halves agree. */
function gitNames(text: string): [string, string] | null {
  const quoted = /^("(?:\\.|[^"\\])*"|\S+) ("(?:\\.|[^"\\])*"|\S+)$/.exec(text);
  if (quoted) return [stripped(unquote(quoted[1] as string)), stripped(unquote(quoted[2] as string))];
  for (let at = text.indexOf(' b/'); at > 0; at = text.indexOf(' b/', at + 1))
    if (text.slice(2, at) === text.slice(at + 3)) return [stripped(text.slice(0, at)), stripped(text.slice(at + 1))];
  return null;
}

function fileName(text: string): string | null {
  const name = unquote((text.split('\t')[0] as string).replace(/\r$/, '').replace(/ +$/, ''));
  return name === '/dev/null' ? null : stripped(name);
}

function stripped(name: string): string {
  return name.replace(/^[ab]\//, '');
}

/** git quotes a name that has odd bytes: octal escapes are bytes of UTF-8. */
function unquote(name: string): string {
  if (!/^".*"$/s.test(name)) return name;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const part of name.slice(1, -1).match(/\\[0-7]{1,3}|\\.|[^\\]+/gs) ?? []) {
    if (/^\\[0-7]/.test(part)) bytes.push(parseInt(part.slice(1), 8) & 255);
    else if (part[0] === '\\')
      bytes.push(
        ...encoder.encode(({ n: '\n', t: '\t', r: '\r' } as Record<string, string>)[part[1] as string] ?? part[1]),
      );
    else bytes.push(...encoder.encode(part));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}
