import type { KnobValue, Trajectory, TrajectoryRecord } from '@nightshift/protocol';
import { improvementOver } from './measurements.js';
import { standingText, standsOnOf } from './standing.js';
import { writeTrajectory, type ExportAbout } from './write-trajectory.js';

export const EXPORT_FORMATS = ['jsonl', 'tsv', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface TsvOptions {
  /** The short commit id of an iteration (0 is the baseline); its padded number where there is none. */
  commitOf?: ((iteration: number) => string | undefined) | undefined;
  /** Peak memory of an iteration in GiB; 0.0 is written where it is not known, as the field does for a crash. */
  memoryGbOf?: ((iteration: number) => number | null | undefined) | undefined;
}

/** A trajectory in one of the formats that leave the house. */
export function exportTrajectory(
  trajectory: Trajectory,
  format: ExportFormat,
  options: ExportAbout & TsvOptions = {},
): string {
  if (format === 'jsonl') return writeTrajectory(trajectory, options);
  return format === 'tsv' ? writeResultsTsv(trajectory, options) : writeCsv(trajectory);
}

/**
 * `results.tsv` of the field: commit, metric, memory_gb, status, description, with tabs. The baseline is the first row; a crash has
 * 0.000000; what was blocked never ran, what was screened out has neither a number nor crashed, and both are left out; inconclusive is
 * a discard there. The field has no column for who measured: the
 * baseline's description says `unsealed`. Rows of an earlier session are in its own file.
 */
export function writeResultsTsv(trajectory: Trajectory, options: TsvOptions = {}): string {
  const rows = [['commit', trajectory.metric.name, 'memory_gb', 'status', 'description']];
  const row = (iteration: number, metric: number | null, status: string, description: string) => {
    const memory = options.memoryGbOf?.(iteration);
    rows.push([
      oneLine(options.commitOf?.(iteration) ?? String(iteration).padStart(7, '0')),
      (metric ?? 0).toFixed(6),
      (typeof memory === 'number' && Number.isFinite(memory) ? memory : 0).toFixed(1),
      status,
      oneLine(description),
    ]);
  };
  const { value } = trajectory.baseline;
  row(0, value, value === null ? 'crash' : 'keep', `baseline${measurementNote(trajectory)}`);
  for (const record of trajectory.records) {
    if (record.outcome === 'blocked' || record.outcome === 'screened_out') continue;
    const hasMetric = record.metric !== null && Number.isFinite(record.metric);
    const status = !hasMetric || record.outcome === 'failed' ? 'crash' : record.outcome === 'kept' ? 'keep' : 'discard';
    row(record.iteration, status === 'crash' ? null : record.metric, status, descriptionOf(record));
  }
  return rows.map((cells) => `${cells.join('\t')}\n`).join('');
}

/** As the reader of `results.tsv` takes it back. */
function measurementNote({ measurement }: Trajectory): string {
  return measurement === 'unsealed' ? ' (measurement: unsealed)' : '';
}

/** One iteration a row, for spreadsheets (RFC 4180, CRLF). A cell that a spreadsheet would run as a formula starts with an apostrophe. */
export function writeCsv(trajectory: Trajectory): string {
  const { goal, name } = trajectory.metric;
  const header = [
    'iteration',
    'outcome',
    'proposer',
    'knob',
    'value',
    name,
    'n',
    'improvement',
    'effect',
    'standard_error',
    'failure',
    'rail',
    'wall_seconds',
    'model_seconds',
    'energy_wh',
    'reason',
    'measurement',
    'cheap_effect',
    'saved_seconds',
    'stands_on',
  ];
  const rows = trajectory.records.map((record) => [
    record.iteration,
    record.outcome,
    record.proposer,
    record.proposal?.knob,
    record.proposal?.newValue,
    // One measurement is written as it was taken.
    record.values.length === 1 ? record.metric : rounded(record.metric),
    record.values.length,
    rounded(record.metric === null ? null : improvementOver(goal, trajectory.baseline.value, record.metric)),
    rounded(record.decision?.effect),
    rounded(record.decision?.standardError),
    record.failure,
    record.rail,
    rounded(record.wallSeconds),
    rounded(record.modelSeconds),
    rounded(record.energyWh),
    record.proposal?.reason ?? record.description,
    trajectory.measurement,
    rounded(record.screening?.effect),
    rounded(record.screening?.savedSeconds),
    standsOnOf(trajectory, record),
  ]);
  return [header, ...rows].map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

/** Twelve significant digits: sums and means of doubles end in digits that nobody measured. */
function rounded(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value.toPrecision(12));
}

function csvCell(value: KnobValue | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** What an iteration tried, in one line: `knob=value on #4: reason`, in the form that the reader of `results.tsv` takes apart again. */
export function descriptionOf(record: TrajectoryRecord): string {
  if (record.description !== undefined) return record.description;
  if (record.proposal === null) return record.failure ?? record.outcome;
  const { knob, newValue, reason } = record.proposal;
  const isBare = typeof newValue !== 'string' || (/^[^\s,;:()="]+$/.test(newValue) && !isJsonScalar(newValue));
  const what = `${knob}=${isBare ? String(newValue) : JSON.stringify(newValue)}`;
  return `${what}${standingText(record.standsOn ?? null)}${reason === '' ? '' : `: ${reason}`}`;
}

function isJsonScalar(text: string): boolean {
  return text === 'true' || text === 'false' || text === 'null' || !Number.isNaN(Number(text));
}

function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim();
}
