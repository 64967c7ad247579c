import type { Answer, Edit } from './edits.js';
import { hasBlocks, readBlocks } from './read-blocks.js';
import { hasDiff, readDiff } from './read-diff.js';
import { readJson } from './read-json.js';
import { readWhole } from './read-whole.js';
import { bounded, tidy } from './words.js';

const WANTED =
  'Answer with REASON: and why, then SEARCH/REPLACE blocks under the path of the file, or a unified diff, or the whole file under its path in one fence.';

/**
 * What an answer asks for, before it meets any file. Takes search/replace blocks, a unified diff, whole files in fences, or JSON
 * `{reason, summary?, files: [{path, content}]}` or `{reason, summary?, diff}`, as text or parsed before.
 */
export function readAnswer(raw: unknown): Answer | { problem: string } {
  if (typeof raw !== 'string') return readJson(raw);
  const text = raw.replace(/\r\n/g, '\n');
  const start = text.trimStart();
  if (start.startsWith('{')) return readJson(text);
  const lines = text.split('\n');
  const fencedJson = /^\s*```(?:json)?\s*\n(\{[\s\S]*\})\s*\n```\s*$/.exec(text)?.[1];
  if (fencedJson !== undefined) return readJson(fencedJson);
  const read = hasBlocks(lines) ? readBlocks(lines) : hasDiff(lines) ? readDiff(lines) : readWhole(lines);
  if ('problem' in read) return { problem: `${read.problem}. ${WANTED}` };
  if (read.edits.length === 0) return { problem: `there is no change in the answer. ${WANTED}` };
  return { edits: read.edits, ...wordsOf(lines, read.firstLine, read.edits) };
}

/** The reason is what follows `REASON:` up to a blank line; without one, the prose before the first change. */
function wordsOf(
  lines: readonly string[],
  firstLine: number,
  edits: readonly Edit[],
): { summary: string; reason: string } {
  const inEdits = new Set(
    edits.flatMap((edit) => (edit.kind === 'replace' ? [...edit.search, ...edit.replacement] : [])),
  );
  const labelled = (label: string): string | null => {
    const pattern = new RegExp(`^\\s*(?:[#*_>-]+\\s*)?(?:\\*\\*)?${label}(?:\\*\\*)?\\s*:\\s*(?:\\*\\*)?(.*)$`, 'i');
    const at = lines.findIndex((line, index) => pattern.test(line) && (index < firstLine || !inEdits.has(line)));
    if (at < 0) return null;
    const found = [(pattern.exec(lines[at] as string) as RegExpExecArray)[1] as string];
    for (let next = at + 1; next < lines.length && (next < firstLine || at > firstLine); next++) {
      const line = lines[next] as string;
      if (
        line.trim() === '' ||
        /^(?:`{3}|~{3}|<{5}|diff --git |--- |[#*_>\s-]*(?:SUMMARY|REASON)[*_]*\s*:)/i.test(line)
      )
        break;
      found.push(line);
    }
    return found.join(' ');
  };
  const prose = lines
    .slice(0, Math.max(0, firstLine))
    .filter((line) => !/^\s*(?:`{3,}|~{3,}|SUMMARY\s*:)/i.test(line))
    .join(' ');
  const reason = tidy(labelled('REASON') ?? prose);
  return bounded(labelled('SUMMARY') ?? '', reason);
}
