import { AppError, type Goal, type Menu, type Trajectory } from '@nightshift/protocol';
import { readField } from './read-field.js';
import { readNightshift } from './read-nightshift.js';
import { isResultsHeader, readResults } from './read-results.js';
import { parseJsonLine, ReadWarnings, sourceLines, type SourceLine } from './source-lines.js';

export type TrajectoryFormat = 'nightshift' | 'field' | 'results';

export interface ReadOptions {
  /** The menu, where the file does not carry one; it wins over the file's own. */
  menu?: Menu | undefined;
  /** Told instead of detected. */
  format?: TrajectoryFormat | undefined;
  /** Which way is better, where the file does not say; guessed from the metric's name otherwise, with a warning. */
  goal?: Goal | undefined;
}

/** Lines that may come before the first one we know: a start-up message, a line torn by a crash. */
const MAX_LEADING_LINES = 20;

/**
 * Reads a trajectory: our own export, the trajectory JSONL of the field, or a `results.tsv`. What is odd is reported in `warnings` with its
 * line, and skipped; one bad line never costs the others.
 * @throws AppError `bad_request` when the file is none of the three.
 */
export function readTrajectory(text: string, options: ReadOptions = {}): Trajectory {
  const lines = sourceLines(text);
  const format = options.format ?? detectFormat(lines);
  const warnings = new ReadWarnings();
  if (format === 'nightshift') return readNightshift(lines, options, warnings);
  if (format === 'field') return readField(lines, options, warnings);
  return readResults(lines, options, warnings);
}

function detectFormat(lines: SourceLine[]): TrajectoryFormat {
  for (const line of lines.slice(0, MAX_LEADING_LINES)) {
    const row = parseJsonLine(line.text);
    if (row !== null) {
      if (row.type === 'run' || row.type === 'iteration') return 'nightshift';
      if ('_meta' in row || 'stage' in row || 'iter' in row || 'baseline_cfg' in row) return 'field';
    } else if (isResultsHeader(line.text)) return 'results';
  }
  const [first] = lines;
  const shown = first ? `starts with ${JSON.stringify(first.text.slice(0, 60))}` : 'is empty';
  throw new AppError('bad_request', `line ${first?.number ?? 1}: not a trajectory; the file ${shown}`, {
    hint:
      'expected a Nightshift export (first line {"type":"run",…}), a trajectory JSONL (first line {"_meta":…,"baseline_val_bpb":…}) ' +
      'or a results.tsv (first line commit, metric, memory_gb, status, description, with tabs)',
  });
}
