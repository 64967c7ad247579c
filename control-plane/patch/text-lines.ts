/** A text as lines without their ends, and the end of each: `\n`, `\r\n`, or nothing at the last. Joined again it is the same text. */
export interface TextLines {
  lines: string[];
  ends: string[];
}

export function splitLines(text: string): TextLines {
  const lines: string[] = [];
  const ends: string[] = [];
  let from = 0;
  while (from < text.length) {
    const feed = text.indexOf('\n', from);
    const to = feed < 0 ? text.length : feed;
    const isCrlf = feed > from && text[feed - 1] === '\r';
    lines.push(text.slice(from, isCrlf ? to - 1 : to));
    ends.push(feed < 0 ? '' : isCrlf ? '\r\n' : '\n');
    from = to + 1;
  }
  return { lines, ends };
}

export function joinLines({ lines, ends }: TextLines): string {
  return lines.map((line, index) => line + (ends[index] ?? '')).join('');
}

/** The line end that a file mostly has; `\n` for one without any. */
export function mainLineEnd({ ends }: TextLines): '\n' | '\r\n' {
  const crlf = ends.filter((end) => end === '\r\n').length;
  return crlf * 2 > ends.filter((end) => end !== '').length ? '\r\n' : '\n';
}

/** What somebody else wrote for a file, with the file's line ends and its way to end: with a line end or without. */
export function likeOriginal(text: string, original: string | null): string {
  const written = splitLines(text);
  if (written.lines.length === 0) return '';
  const model = splitLines(original ?? '');
  const end = original === null ? '\n' : mainLineEnd(model);
  const endsOpen = model.lines.length > 0 && model.ends.at(-1) === '';
  return joinLines({
    lines: written.lines,
    ends: written.lines.map((_, index) => (index === written.lines.length - 1 && endsOpen ? '' : end)),
  });
}
