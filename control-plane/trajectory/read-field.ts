import type { BlockedTry, Goal, Proposal, Trajectory, TrajectoryRecord } from '@nightshift/protocol';
import { CODE_RAILS, RAILS } from '@nightshift/protocol';
import { goalOfName, outcomeOfWord } from './field-words.js';
import type { ReadOptions } from './read-trajectory.js';
import {
  configOf,
  finiteOf,
  knobValueOf,
  numberOf,
  objectOf,
  parseJsonLine,
  textOf,
  unreadableLine,
  type JsonObject,
  type ReadWarnings,
  type SourceLine,
} from './source-lines.js';

/** Reads the trajectory JSONL of the field: a `_meta` line with the baseline, a record an iteration, a `loop_complete` line. */
export function readField(lines: SourceLine[], options: ReadOptions, warnings: ReadWarnings): Trajectory {
  const rows: { line: SourceLine; row: JsonObject }[] = [];
  for (const line of lines) {
    const row = parseJsonLine(line.text);
    if (row === null) warnings.add(line.number, unreadableLine(line));
    else rows.push({ line, row });
  }
  const meta = rows.find(({ row }) => '_meta' in row || 'baseline_cfg' in row)?.row ?? null;
  if (meta === null) warnings.note('no _meta line: the baseline is taken from the records, if they name it');
  const metric = metricOf(meta, rows[0]?.row ?? null, options, warnings);
  const baselineKey = `baseline_${metric.name}`;
  const baseline = finiteOf((meta ?? rows.find(({ row }) => finiteOf(row[baselineKey]) !== null)?.row)?.[baselineKey]);
  const trajectory: Trajectory = {
    metric,
    menu: options.menu ?? null,
    baseline: { config: configOf(meta?.baseline_cfg), values: baseline === null ? [] : [baseline], value: baseline },
    records: [],
    warnings: [],
  };
  const seen = new Map<number, string>();
  let end: JsonObject | null = null;
  for (const { line, row } of rows) {
    if (row === meta) continue;
    const stage = textOf(row.stage)?.trim().toLowerCase() ?? null;
    if (stage === 'loop_complete') end = row;
    else if (stage !== 'paused') {
      const record = readRecord(row, stage, trajectory, line.number, warnings);
      if (record === null) continue;
      const earlier = seen.get(record.iteration);
      if (earlier === line.text) {
        warnings.add(line.number, `iteration ${record.iteration} is there already, word for word: skipped`);
        continue;
      }
      if (earlier !== undefined)
        warnings.add(line.number, `iteration ${record.iteration} is there already, differently: both are counted`);
      seen.set(record.iteration, line.text);
      trajectory.records.push(record);
    }
  }
  checkEnd(end, trajectory, warnings);
  return { ...trajectory, warnings: warnings.finish() };
}

/** The metric is named by the key `baseline_NAME` of the first line; `val_bpb` where that is missing. */
function metricOf(
  meta: JsonObject | null,
  first: JsonObject | null,
  options: ReadOptions,
  warnings: ReadWarnings,
): Trajectory['metric'] {
  const keys = Object.keys(meta ?? first ?? {});
  const key = keys.find(
    (name) => /^baseline_./.test(name) && name !== 'baseline_cfg' && finiteOf((meta ?? first)?.[name]) !== null,
  );
  const name = key?.slice('baseline_'.length) ?? 'val_bpb';
  const stated = meta?.goal ?? meta?.direction;
  const isStated = stated === 'minimize' || stated === 'maximize';
  const goal: Goal = options.goal ?? (isStated ? stated : goalOfName(name));
  if (options.goal === undefined && !isStated && goal === 'maximize')
    warnings.note(`${name} is taken as better when higher, by its name`);
  return { name, goal };
}

function readRecord(
  row: JsonObject,
  stage: string | null,
  trajectory: Trajectory,
  line: number,
  warnings: ReadWarnings,
): TrajectoryRecord | null {
  const { name } = trajectory.metric;
  const results = objectOf(row.eval_metrics);
  const measured = numberOf(row[name] ?? results?.[name] ?? row.metric);
  const decided = textOf(row.decision);
  const stages = ['evaluated', 'blocked', 'eval_failed', 'nim_error'];
  if (stage === null || !stages.includes(stage)) {
    // A loop that names its stages otherwise is still read when the row says what was measured and decided.
    if (measured === null || decided === null) {
      warnings.add(line, `unknown stage ${JSON.stringify(row.stage ?? null).slice(0, 40)}, skipped`);
      return null;
    }
    warnings.add(line, `unknown stage ${JSON.stringify(row.stage ?? null).slice(0, 40)}, read as evaluated`);
  }
  let iteration = finiteOf(row.iter ?? row.iteration);
  if (iteration === null) {
    iteration = (trajectory.records[trajectory.records.length - 1]?.iteration ?? 0) + 1;
    warnings.add(line, `no iteration number, read as ${iteration}`);
  }
  const record: TrajectoryRecord = {
    iteration,
    outcome: 'inconclusive',
    proposer: 'model',
    proposal: readProposal(row.proposal, stage, line, warnings),
    config: configOf(row.candidate_cfg),
    values: [],
    metric: null,
    failure: null,
    rail: null,
    blocked: [],
    decision: null,
    wallSeconds: finiteOf(row.iter_wall_s),
    modelSeconds: finiteOf(row.nim_latency_s),
    energyWh: finiteOf(row.energy_wh),
  };
  if (stage === 'blocked') return { ...record, outcome: 'blocked', ...readBlock(row) };
  if (stage === 'nim_error') return { ...record, outcome: 'failed', failure: `model_error${detail(row.nim_error)}` };
  if (stage === 'eval_failed') return { ...record, outcome: 'failed', failure: failureOf(row, results) };
  if (measured === null || !Number.isFinite(measured)) {
    const failure = measured === null ? 'no_metric' : 'diverged';
    warnings.add(
      line,
      `evaluated, but ${name} is ${measured === null ? 'missing' : String(measured)}: read as failed (${failure})`,
    );
    return { ...record, outcome: 'failed', failure };
  }
  const outcome = decided === null ? null : outcomeOfWord(decided);
  if (outcome === null || outcome === 'blocked' || outcome === 'failed')
    warnings.add(
      line,
      `decision ${JSON.stringify(row.decision ?? null).slice(0, 40)} is not keep or revert: read as inconclusive`,
    );
  const isDecided = outcome === 'kept' || outcome === 'reverted';
  return { ...record, outcome: isDecided ? outcome : 'inconclusive', values: [measured], metric: measured };
}

function readProposal(input: unknown, stage: string | null, line: number, warnings: ReadWarnings): Proposal | null {
  const object = objectOf(input);
  const knob = textOf(object?.knob);
  const newValue = knobValueOf(object?.new_value ?? object?.newValue ?? object?.value);
  if (knob !== null && newValue !== null) return { knob, newValue, reason: textOf(object?.reason) ?? '' };
  // A blocked proposal may be anything, and a model that did not answer proposed nothing.
  if (stage !== 'blocked' && stage !== 'nim_error') warnings.add(line, 'no proposal with a knob and a new_value');
  return null;
}

function readBlock(row: JsonObject): Pick<TrajectoryRecord, 'rail' | 'blocked'> {
  const stated = textOf(row.rail);
  if (stated === null) return { rail: null, blocked: [] };
  const bare = stated.replace(/^R\d+_/i, '').replace(/_lint$/, '');
  const rail = [...RAILS, ...CODE_RAILS].find((name) => name === bare);
  if (rail === undefined) return { rail: stated, blocked: [] };
  const tried: BlockedTry = { rail, reason: textOf(row.reason) ?? '', raw: textOf(row.raw) ?? '', proposer: 'model' };
  return { rail, blocked: [tried] };
}

function failureOf(row: JsonObject, results: JsonObject | null): string {
  if (results?.oom === true || row.oom === true) return 'oom';
  const error = textOf(row.failure) ?? textOf(row.error) ?? textOf(results?.error);
  return `crash${detail(error)}`;
}

function detail(error: unknown): string {
  const text = textOf(error)?.trim() ?? '';
  return text === '' ? '' : `: ${text.slice(0, 200)}`;
}

function checkEnd(end: JsonObject | null, trajectory: Trajectory, warnings: ReadWarnings): void {
  if (end === null) {
    warnings.note('no loop_complete line: the loop was still going, or the file is cut');
    return;
  }
  const kept = trajectory.records.filter((record) => record.outcome === 'kept').length;
  const stated = finiteOf(end.accept_count);
  if (stated !== null && stated !== kept)
    warnings.note(`the last line counts ${stated} keeps; the records have ${kept}`);
}
