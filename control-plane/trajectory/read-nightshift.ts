import {
  ITERATION_OUTCOMES,
  MEASUREMENTS,
  parseMenu,
  PROPOSERS,
  SCREENINGS,
  type BlockedTry,
  type Decision,
  type Goal,
  type IterationOutcome,
  type Menu,
  type OutweighedTry,
  type Proposal,
  type ProposerKind,
  type Screening,
  type Trajectory,
  type TrajectoryRecord,
} from '@nightshift/protocol';
import { earlierOf } from './earlier-session.js';
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

/** Reads our own export: a `run` line, an `iteration` line for each, an `end` line. `writeTrajectory` is its inverse. */
export function readNightshift(lines: SourceLine[], options: ReadOptions, warnings: ReadWarnings): Trajectory {
  const trajectory: Trajectory = {
    metric: { name: 'metric', goal: options.goal ?? 'minimize' },
    menu: options.menu ?? null,
    baseline: { config: null, values: [], value: null },
    records: [],
    warnings: [],
  };
  const seen = new Map<number, string>();
  let hasRun = false;
  let end: JsonObject | null = null;
  for (const line of lines) {
    const row = parseJsonLine(line.text);
    if (row === null) warnings.add(line.number, unreadableLine(line));
    else if (row.type === 'run') {
      if (hasRun) warnings.add(line.number, 'a second run line, skipped: one file is one run');
      else readRun(row, line.number, trajectory, options, warnings);
      hasRun = true;
    } else if (row.type === 'iteration') {
      const record = readRecord(row, line.number, warnings);
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
    } else if (row.type === 'end') end = row;
    else warnings.add(line.number, `unknown type ${JSON.stringify(row.type)?.slice(0, 40) ?? 'undefined'}, skipped`);
  }
  if (!hasRun) warnings.note('no run line: the metric, its goal, the menu and the baseline are not known');
  if (end === null) warnings.note('no end line: the run was still going, or the file is cut');
  else if (finiteOf(end.iterations) !== null && end.iterations !== trajectory.records.length)
    warnings.note(`the end line counts ${String(end.iterations)} iterations; ${trajectory.records.length} were read`);
  const carried = Array.isArray(end?.warnings) ? end.warnings.filter((item) => typeof item === 'string') : [];
  return { ...trajectory, warnings: [...carried, ...warnings.finish()] };
}

function readRun(
  row: JsonObject,
  line: number,
  trajectory: Trajectory,
  options: ReadOptions,
  warnings: ReadWarnings,
): void {
  const metric = objectOf(row.metric);
  const name = textOf(metric?.name);
  const goal = metric?.goal;
  if (name === null || (goal !== 'minimize' && goal !== 'maximize'))
    warnings.add(line, 'metric needs a name and a goal of minimize or maximize');
  trajectory.metric = {
    name: name ?? trajectory.metric.name,
    goal: options.goal ?? (goal === 'maximize' ? 'maximize' : ('minimize' satisfies Goal)),
  };
  if (trajectory.menu === null && row.menu !== null && row.menu !== undefined)
    trajectory.menu = readMenu(row.menu, line, warnings);
  const baseline = objectOf(row.baseline);
  const values = numbersOf(baseline?.values);
  trajectory.baseline = { config: configOf(baseline?.config), values, value: numberOf(baseline?.value) };
  if (row.incumbent !== undefined) trajectory.incumbent = finiteOf(row.incumbent);
  if (row.unconfirmed !== undefined) trajectory.unconfirmed = readUnconfirmed(row.unconfirmed);
  if (row.confirmation !== undefined) trajectory.confirmation = readConfirmation(row.confirmation);
  const measurement = MEASUREMENTS.find((word) => word === row.measurement);
  if (measurement !== undefined || row.measurement === null) trajectory.measurement = measurement ?? null;
  if (row.earlier !== undefined && row.earlier !== null)
    trajectory.earlier = earlierOf(row.earlier, trajectory.metric, line, warnings);
  if (row.failed !== undefined) trajectory.failed = textOf(row.failed);
  if (row.screeningOff !== undefined) trajectory.screeningOff = textOf(row.screeningOff);
  if (row.screeningSeconds !== undefined) trajectory.screeningSeconds = finiteOf(row.screeningSeconds);
  if (row.vetoes !== undefined) trajectory.vetoes = finiteOf(row.vetoes);
  if (row.modelCostUsd !== undefined) trajectory.modelCostUsd = finiteOf(row.modelCostUsd);
}

function readUnconfirmed(input: unknown): Trajectory['unconfirmed'] {
  const object = objectOf(input);
  const iteration = finiteOf(object?.iteration);
  return iteration === null ? null : { iteration, why: textOf(object?.why) ?? 'not said' };
}

function readConfirmation(input: unknown): Trajectory['confirmation'] {
  const object = objectOf(input);
  const iteration = finiteOf(object?.iteration);
  const values = numbersOf(object?.values);
  if (iteration === null || values.length === 0) return null;
  return { iteration, values, baseline: numbersOf(object?.baseline) };
}

function readMenu(input: unknown, line: number, warnings: ReadWarnings): Menu | null {
  try {
    return parseMenu(input);
  } catch {
    warnings.add(line, 'the menu is not valid, read without one');
    return null;
  }
}

function readRecord(row: JsonObject, line: number, warnings: ReadWarnings): TrajectoryRecord | null {
  const iteration = finiteOf(row.iteration);
  const outcome = ITERATION_OUTCOMES.find((name) => name === row.outcome);
  if (iteration === null || outcome === undefined) {
    warnings.add(line, `an iteration needs a number and an outcome (${ITERATION_OUTCOMES.join(', ')}), skipped`);
    return null;
  }
  const description = textOf(row.description);
  const proposal = row.proposal === null || row.proposal === undefined ? null : readProposal(row.proposal);
  if (proposal === null && row.proposal !== null && row.proposal !== undefined)
    warnings.add(line, 'the proposal has no knob and value, read as none');
  return {
    iteration,
    outcome: outcome satisfies IterationOutcome,
    proposer: PROPOSERS.find((kind) => kind === row.proposer) ?? null,
    proposal,
    ...(description === null ? {} : { description }),
    config: configOf(row.config),
    ...(row.standsOn === undefined ? {} : { standsOn: numberOf(row.standsOn) }),
    values: numbersOf(row.values),
    ...(row.audits === undefined ? {} : { audits: numbersOf(row.audits) }),
    metric: numberOf(row.metric),
    failure: textOf(row.failure),
    rail: textOf(row.rail),
    blocked: Array.isArray(row.blocked) ? row.blocked.map(readBlocked).filter((tried) => tried !== null) : [],
    ...(Array.isArray(row.outweighed)
      ? { outweighed: row.outweighed.map(readOutweighed).filter((tried) => tried !== null) }
      : {}),
    decision: readDecision(row.decision),
    ...(row.screening === undefined ? {} : { screening: readScreening(row.screening) }),
    ...(row.critique === undefined ? {} : { critique: readCritique(row.critique) }),
    wallSeconds: numberOf(row.wallSeconds),
    modelSeconds: numberOf(row.modelSeconds),
    energyWh: numberOf(row.energyWh),
  };
}

function readCritique(input: unknown): TrajectoryRecord['critique'] {
  const object = objectOf(input);
  if (!object || typeof object.veto !== 'boolean') return null;
  return { veto: object.veto, isOverruled: object.isOverruled === true };
}

function readProposal(input: unknown): Proposal | null {
  const object = objectOf(input);
  const knob = textOf(object?.knob);
  const newValue = knobValueOf(object?.newValue);
  if (knob === null || newValue === null) return null;
  return { knob, newValue, reason: textOf(object?.reason) ?? '' };
}

function readBlocked(input: unknown): BlockedTry | null {
  const object = objectOf(input);
  const rail = textOf(object?.rail);
  if (object === null || rail === null) return null;
  return {
    rail: rail as BlockedTry['rail'],
    reason: textOf(object.reason) ?? '',
    raw: textOf(object.raw) ?? '',
    proposer: PROPOSERS.find((kind) => kind === object.proposer) ?? ('external' satisfies ProposerKind),
  };
}

function readOutweighed(input: unknown): OutweighedTry | null {
  const object = objectOf(input);
  const proposal = readProposal(object?.proposal);
  const [expected, sd, promise, leastPromise] = [
    object?.expected,
    object?.sd,
    object?.promise,
    object?.leastPromise,
  ].map(numberOf);
  if (proposal === null || expected == null || sd == null || promise == null || leastPromise == null) return null;
  return { proposal, expected, sd, promise, leastPromise };
}

function readDecision(input: unknown): Decision | null {
  const object = objectOf(input);
  const outcome = object?.outcome;
  if (object === null || (outcome !== 'keep' && outcome !== 'revert' && outcome !== 'inconclusive')) return null;
  return {
    outcome,
    comparator: object.comparator === 'incumbent' ? 'incumbent' : 'baseline',
    comparatorMean: numberOf(object.comparatorMean),
    comparatorN: finiteOf(object.comparatorN) ?? 0,
    candidateMean: numberOf(object.candidateMean),
    candidateN: finiteOf(object.candidateN) ?? 0,
    effect: numberOf(object.effect),
    standardError: numberOf(object.standardError),
    noiseSd: numberOf(object.noiseSd),
    degreesOfFreedom: finiteOf(object.degreesOfFreedom) ?? 0,
    probability: numberOf(object.probability),
    ...(Array.isArray(object.guards) ? { guards: object.guards.map(textOf).filter((name) => name !== null) } : {}),
    reason: textOf(object.reason) ?? '',
  };
}

function readScreening(input: unknown): Screening | null {
  const object = objectOf(input);
  const outcome = SCREENINGS.find((word) => word === object?.outcome);
  if (object === null || outcome === undefined) return null;
  return {
    outcome,
    value: numberOf(object.value),
    comparatorMean: numberOf(object.comparatorMean),
    comparatorN: finiteOf(object.comparatorN) ?? 0,
    effect: numberOf(object.effect),
    bar: numberOf(object.bar),
    expected: numberOf(object.expected),
    luckiest: numberOf(object.luckiest),
    pairs: finiteOf(object.pairs) ?? 0,
    trainedSeconds: finiteOf(object.trainedSeconds) ?? 0,
    comparatorSeconds: finiteOf(object.comparatorSeconds) ?? 0,
    savedSeconds: numberOf(object.savedSeconds),
    reason: textOf(object.reason) ?? '',
  };
}

function numbersOf(input: unknown): number[] {
  return Array.isArray(input) ? input.map(numberOf).filter((value) => value !== null) : [];
}
