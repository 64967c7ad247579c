import { AppError, type EarlierRow, type EarlierSession, type FieldError, type Goal } from '@nightshift/protocol';
import { outcomeOfWord } from './field-words.js';
import { numberOf, sourceLines, type SourceLine } from './source-lines.js';
import { plainText } from './wording.js';

export interface EarlierOptions {
  /** The file's name, for people. */
  name: string;
  /** The metric of the run that goes on: the file has to have it. */
  metric: { name: string; goal: Goal };
}

/** A night has hundreds; beyond this it is another kind of file. */
const MOST_ROWS = 5000;
const MOST_ERRORS = 20;
const NEEDED = ['commit', 'status', 'description'] as const;
const DESCRIPTION_CHARS = 1000;

/**
 * Reads the `results.tsv` of a session that a run is to go on from. Unlike an analysis, which skips what is odd, this takes all of it or
 * nothing: a row that is lost here would be tried again.
 * @throws AppError `bad_request` with every line that is wrong.
 */
export function readEarlier(text: string, { name, metric }: EarlierOptions): EarlierSession {
  const [first, ...lines] = sourceLines(text);
  const header = first?.text.split('\t').map((cell) => cell.trim()) ?? [];
  if (!first) throw bad(name, [{ line: 1, message: 'the file is empty' }]);
  const missing = [...NEEDED, metric.name].filter((column) => !header.includes(column));
  if (missing.length > 0)
    throw bad(name, [
      {
        line: first.number,
        message: `the header has no column ${missing.join(', ')}; it is ${JSON.stringify(first.text.slice(0, 120))}`,
      },
    ]);
  if (lines.length > MOST_ROWS)
    throw bad(name, [{ line: MOST_ROWS + 2, message: `more than ${MOST_ROWS} rows: no session of one night` }]);
  const errors: { line: number; message: string }[] = [];
  const rows = lines.flatMap((line) => {
    const read = readRow(line, header, metric.name);
    if ('problem' in read) errors.push({ line: line.number, message: read.problem });
    return 'problem' in read ? [] : [read];
  });
  if (errors.length > 0) throw bad(name, errors);
  if (rows.length === 0) throw bad(name, [{ line: first.number, message: 'there is no row below the header' }]);
  return { name, metric, rows };
}

function readRow(line: SourceLine, header: string[], metricName: string): EarlierRow | { problem: string } {
  const cells = line.text.split('\t');
  const at = (column: string) => cells[header.indexOf(column)]?.trim() ?? '';
  if (cells.length < header.length && !(line.isTail && cells.length === header.length - 1 && at('status') !== ''))
    return { problem: `has ${cells.length} of ${header.length} columns (they are separated by tabs)` };
  const commit = at('commit');
  if (!/^(?:[0-9a-f]{4,64}|-?)$/i.test(commit))
    return { problem: `commit ${shown(commit)} is no commit id: 4 to 64 hex digits, or - for none` };
  const outcome = outcomeOfWord(at('status'));
  if (outcome === null || outcome === 'blocked')
    return { problem: `status ${shown(at('status'))} is not keep, discard or crash` };
  const value = numberOf(at(metricName));
  if (outcome !== 'failed' && (value === null || !Number.isFinite(value)))
    return { problem: `${metricName} is ${shown(at(metricName))}: a ${at('status')} needs a number` };
  const memory = at('memory_gb');
  const memoryGb = numberOf(memory);
  if (memory !== '' && memory !== '-' && memoryGb === null)
    return { problem: `memory_gb ${shown(memory)} is no number` };
  // A description may hold tabs of its own: everything from its column on belongs to it, when it is the last.
  const column = header.indexOf('description');
  const description = column === header.length - 1 ? cells.slice(column).join(' ') : at('description');
  return {
    line: line.number,
    commit: commit === '' || commit === '-' ? null : commit.toLowerCase(),
    outcome: outcome === 'kept' || outcome === 'failed' ? outcome : 'reverted',
    metric: outcome === 'failed' ? null : value,
    memoryGb: memoryGb !== null && Number.isFinite(memoryGb) && memoryGb > 0 ? memoryGb : null,
    description: plainText(description.replaceAll('\0', ''), DESCRIPTION_CHARS),
    diff: null,
    codeKey: null,
  };
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

function bad(name: string, problems: { line: number; message: string }[]): AppError {
  const [first] = problems as [{ line: number; message: string }];
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more lines)` : '';
  const errors = problems.slice(0, MOST_ERRORS).map(({ line, message }): FieldError => ({ path: '', line, message }));
  return new AppError('bad_request', `${name}, line ${first.line}: ${first.message}${more}`, {
    errors,
    hint: 'a results.tsv has tabs between commit, the metric of the spec, memory_gb, status (keep, discard, crash) and description',
  });
}
