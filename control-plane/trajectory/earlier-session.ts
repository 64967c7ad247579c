import type { EarlierRow, EarlierSession } from '@nightshift/protocol';
import { finiteOf, objectOf, textOf, type ReadWarnings } from './source-lines.js';

const OUTCOMES = ['kept', 'reverted', 'failed'] as const;

/** The earlier session in the first line of our own export. What is odd is skipped with a warning. */
export function earlierOf(
  input: unknown,
  metric: EarlierSession['metric'],
  line: number,
  warnings: ReadWarnings,
): EarlierSession | null {
  const object = objectOf(input);
  const name = textOf(object?.name);
  if (object === null || name === null || !Array.isArray(object.rows)) {
    warnings.add(line, 'the earlier session has no name and rows, read without it');
    return null;
  }
  const rows = object.rows.map(rowOf);
  const known = rows.filter((row) => row !== null);
  if (known.length < rows.length)
    warnings.add(line, `${rows.length - known.length} rows of the earlier session have no line and outcome, skipped`);
  const own = objectOf(object.metric);
  const { startsAtHead } = object;
  return {
    name,
    metric: { name: textOf(own?.name) ?? metric.name, goal: own?.goal === 'maximize' ? 'maximize' : metric.goal },
    rows: known,
    ...(typeof startsAtHead === 'boolean' || startsAtHead === null ? { startsAtHead } : {}),
  };
}

function rowOf(input: unknown): EarlierRow | null {
  const row = objectOf(input);
  const line = finiteOf(row?.line);
  const outcome = OUTCOMES.find((word) => word === row?.outcome);
  if (row === null || line === null || outcome === undefined) return null;
  return {
    line,
    commit: textOf(row.commit),
    outcome,
    metric: finiteOf(row.metric),
    memoryGb: finiteOf(row.memoryGb),
    description: textOf(row.description) ?? '',
    diff: textOf(row.diff),
    codeKey: textOf(row.codeKey),
  };
}
