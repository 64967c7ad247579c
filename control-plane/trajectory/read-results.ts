import type { KnobValue, Menu, Proposal, Trajectory, TrajectoryRecord } from '@nightshift/protocol';
import { goalOfName, outcomeOfWord } from './field-words.js';
import type { ReadOptions } from './read-trajectory.js';
import { knobValueOf, numberOf, type ReadWarnings, type SourceLine } from './source-lines.js';

const KNOWN = ['commit', 'memory_gb', 'status', 'description'];
const DEFAULT_HEADER = ['commit', 'val_bpb', 'memory_gb', 'status', 'description'];

/** True for the header of a `results.tsv`, and for a first row of one that lost its header. */
export function isResultsHeader(text: string): boolean {
  return headerOf(text) !== null || isHeaderlessRow(text);
}

function headerOf(text: string): string[] | null {
  const names = text.split('\t').map((name) => name.trim());
  return names.length >= 3 && names.includes('status') && names.some((name) => name !== '' && !KNOWN.includes(name))
    ? names
    : null;
}

function isHeaderlessRow(text: string): boolean {
  const cells = text.split('\t');
  return cells.length >= 4 && numberOf(cells[1]) !== null && outcomeOfWord(cells[3] ?? '') !== null;
}

/**
 * Reads a `results.tsv`: the first row is the baseline, each further one an iteration. What was changed is free text there; a description
 * that is one `knob=value`, with or without `on #4` and a reason after a colon, is read as a proposal.
 */
export function readResults(lines: SourceLine[], options: ReadOptions, warnings: ReadWarnings): Trajectory {
  const start = lines.findIndex((line) => isResultsHeader(line.text));
  for (const line of lines.slice(0, Math.max(0, start))) warnings.add(line.number, 'before the header, skipped');
  const first = lines[start];
  const stated = first ? headerOf(first.text) : null;
  if (stated === null) warnings.add(first?.number ?? 1, `no header: read as ${DEFAULT_HEADER.join(', ')}`);
  const header = stated ?? DEFAULT_HEADER;
  const rows = first === undefined ? [] : lines.slice(stated === null ? start : start + 1);
  const name = metricColumn(header, rows) ?? 'val_bpb';
  const goal = options.goal ?? goalOfName(name);
  if (options.goal === undefined && goal === 'maximize')
    warnings.note(`${name} is taken as better when higher, by its name`);
  const trajectory: Trajectory = {
    metric: { name, goal },
    menu: options.menu ?? null,
    baseline: { config: null, values: [], value: null },
    records: [],
    warnings: [],
  };
  let hasBaseline = false;
  // The number of a row's iteration by what its commit column says: what was never measured has no row, so that numbers shift.
  const rowOf = new Map<string, number>();
  for (const line of rows) {
    const cells = line.text.split('\t');
    const at = (column: string) => cells[header.indexOf(column)]?.trim() ?? '';
    const outcome = outcomeOfWord(at('status'));
    if (outcome === null || outcome === 'blocked') {
      const shown = JSON.stringify(at('status').slice(0, 40));
      warnings.add(
        line.number,
        line.isTail ? 'the torn last line is skipped' : `status ${shown} is not keep, discard or crash, skipped`,
      );
      continue;
    }
    const value = numberOf(at(name));
    // A description may hold tabs of its own: everything from its column on belongs to it.
    const column = header.indexOf('description');
    const description = column < 0 ? '' : cells.slice(column).join(' ').trim();
    if (!hasBaseline) {
      hasBaseline = true;
      rowOf.set(at('commit'), 0);
      if (readBaseline(trajectory, outcome, value, description, line.number, warnings)) continue;
    }
    const record = readRow(trajectory, outcome, value, description, line.number, warnings);
    const standsOn = standsOnOf(description, rowOf);
    trajectory.records.push(record.proposal === null || standsOn === null ? record : { ...record, standsOn });
    rowOf.set(at('commit'), record.iteration);
  }
  return { ...trajectory, warnings: warnings.finish() };
}

/** The metric's column: the first that is none of the field's others, holds numbers, and does not just count rows or time. */
function metricColumn(header: string[], rows: SourceLine[]): string | undefined {
  const unknown = header.filter((name) => name !== '' && !KNOWN.includes(name));
  const isNumeric = (name: string) =>
    rows.slice(0, 20).some((row) => numberOf(row.text.split('\t')[header.indexOf(name)]) !== null);
  const isCounter = (name: string) =>
    /^(?:#|id|index|iter(?:ation)?|step|time.*|date|elapsed.*|duration.*)$/i.test(name);
  return unknown.find((name) => isNumeric(name) && !isCounter(name)) ?? unknown[0];
}

/** The first row is the baseline when it says so, or when it was kept: there was nothing to compare it with. */
function readBaseline(
  trajectory: Trajectory,
  outcome: TrajectoryRecord['outcome'],
  value: number | null,
  description: string,
  line: number,
  warnings: ReadWarnings,
): boolean {
  const isNamed = /baseline/i.test(description);
  if (!isNamed && outcome !== 'kept') {
    warnings.add(line, 'the first row is neither kept nor called baseline: the baseline is not known');
    return false;
  }
  if (!isNamed) warnings.add(line, 'the first row is taken as the baseline');
  if (/\(measurement: unsealed\)/.test(description)) trajectory.measurement = 'unsealed';
  if (outcome === 'failed' || value === null || !Number.isFinite(value)) {
    warnings.add(line, 'the baseline has no result');
    return true;
  }
  trajectory.baseline = { config: null, values: [value], value };
  return true;
}

function readRow(
  trajectory: Trajectory,
  outcome: TrajectoryRecord['outcome'],
  value: number | null,
  description: string,
  line: number,
  warnings: ReadWarnings,
): TrajectoryRecord {
  const record: TrajectoryRecord = {
    iteration: trajectory.records.length + 1,
    outcome,
    proposer: null,
    proposal: proposalOf(description, trajectory.menu),
    ...(description === '' ? {} : { description }),
    config: null,
    values: [],
    metric: null,
    failure: null,
    rail: null,
    blocked: [],
    decision: null,
    wallSeconds: null,
    modelSeconds: null,
    energyWh: null,
  };
  if (outcome === 'failed') return { ...record, failure: 'crash' };
  if (value === null || !Number.isFinite(value)) {
    const failure = value === null ? 'no_metric' : 'diverged';
    warnings.add(
      line,
      `${trajectory.metric.name} is ${value === null ? 'missing' : String(value)}: read as failed (${failure})`,
    );
    return { ...record, outcome: 'failed', failure };
  }
  return { ...record, values: [value], metric: value };
}

// As our own export numbers rows without a commit: 0000004.
function standsOnOf(description: string, rowOf: ReadonlyMap<string, number>): number | null {
  const match = /^[^:]*? on (?:#(\d{1,7})|the baseline)(?:\s*:|$)/.exec(description);
  if (!match) return null;
  return match[1] === undefined ? 0 : (rowOf.get(match[1].padStart(7, '0')) ?? null);
}

function proposalOf(description: string, menu: Menu | null): Proposal | null {
  const match =
    /^([A-Za-z]\w{0,63})\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,;:()=]+)(?:\s+on (?:#\d+|the baseline))?(?:\s*:\s*(.*))?$/.exec(
      description,
    );
  if (!match) return null;
  const knob = match[1] as string;
  const type = menu !== null && Object.hasOwn(menu.knobs, knob) ? menu.knobs[knob]?.type : undefined;
  return { knob, newValue: valueOf(match[2] as string, type), reason: match[3] ?? '' };
}

function valueOf(text: string, type: string | undefined): KnobValue {
  if (type === 'str' && !text.startsWith('"')) return text;
  try {
    return knobValueOf(JSON.parse(text)) ?? text;
  } catch {
    const number = Number(text);
    return Number.isFinite(number) && text.trim() !== '' ? number : text;
  }
}
