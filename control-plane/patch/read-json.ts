import type { Answer, Edit } from './edits.js';
import { readDiff } from './read-diff.js';
import { bounded } from './words.js';

const KEYS = ['summary', 'reason', 'files', 'diff'];

/** `{reason, summary?, files: [{path, content}]}` or `{reason, summary?, diff}`; a file whose content is null is deleted. */
export function readJson(raw: unknown): Answer | { problem: string } {
  const value = typeof raw === 'string' ? parse(raw) : { value: raw };
  if (value === null) return { problem: 'the answer begins with { and is not valid JSON' };
  const answer = value.value;
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    return { problem: 'the answer is not an object' };
  const fields = answer as Record<string, unknown>;
  const extra = Object.keys(fields).find((key) => !KEYS.includes(key));
  if (extra !== undefined) return { problem: `the key ${JSON.stringify(extra.slice(0, 40))} does not belong there` };
  const { summary = '', reason, files, diff } = fields;
  if (typeof reason !== 'string') return { problem: 'the key reason is missing, or is no text' };
  if (typeof summary !== 'string') return { problem: 'summary must be text' };
  if ((files === undefined) === (diff === undefined))
    return { problem: 'the answer needs files or diff, and not both' };
  if (diff !== undefined) {
    if (typeof diff !== 'string') return { problem: 'diff must be text' };
    const read = readDiff(diff.replace(/\r\n/g, '\n').split('\n'));
    if ('problem' in read) return read;
    if (read.edits.length === 0) return { problem: 'diff holds no unified diff' };
    return { edits: read.edits, ...bounded(summary, reason) };
  }
  if (!Array.isArray(files) || files.length === 0) return { problem: 'files must be a list of {path, content}' };
  const edits: Edit[] = [];
  for (const [index, file] of files.entries()) {
    const { path, content, ...rest } = (typeof file === 'object' && file !== null ? file : {}) as Record<
      string,
      unknown
    >;
    if (typeof path !== 'string' || (typeof content !== 'string' && content !== null) || Object.keys(rest).length > 0)
      return { problem: `files[${index}] must be exactly {path, content}` };
    if (content === null)
      edits.push({ kind: 'diff', path, oldPath: path, isNew: false, isDeleted: true, oddities: [], hunks: [] });
    else edits.push({ kind: 'whole', path, content });
  }
  return { edits, ...bounded(summary, reason) };
}

function parse(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}
