import { breaksGuard, configKey, type Config, type KnobValue, type Trial } from '@nightshift/protocol';
import { estimateNoise, type MeasuredGroup } from '@nightshift/control-plane/decision/index';
import { checkGuards, guardReadings, type GuardValues } from '@nightshift/control-plane/decision/guard';
import { frontsOf } from '@nightshift/control-plane/search/front';
import { seededRandom, type Random } from '@nightshift/control-plane/search/random';
import { spaceOf } from '@nightshift/control-plane/search/space';
import type { KeepRule, Verdict } from './keep-rule.js';
import type { Course, Work } from './objectives.js';
import { score } from './score.js';

/** A proposal on the track: a change of one knob of the front, or of the incumbent, and who made it. */
export interface Move {
  knob: string;
  value: KnobValue;
  by: 'sampler' | 'model';
}

/** What a finished turn did, as contenders may see it. */
export interface Step extends Move {
  config: Config;
  /** Mean of its measurements; null for a failure and for a blocked proposal. */
  metric: number | null;
  outcome: 'kept' | 'reverted' | 'failed' | 'blocked';
  /** Relative improvement that was kept. */
  gain: number;
  measurements: number;
  isRepeat: boolean;
}

export interface Situation {
  course: Work;
  /** What a move changes: the front, as in the loop. */
  base: Config;
  /** What a candidate is compared with. */
  incumbent: Config;
  trials: Trial[];
  steps: Step[];
  /** Fresh at each turn and the same for every contender, so that two of them differ by what they do and not by luck. */
  random: Random;
  /** What the run itself knows of the noise, as in the loop; null while nothing was measured twice. */
  noiseSd: number | null;
  isTried(config: Config): boolean;
}

export interface Contender<W extends Work = Course> {
  name: string;
  rule: KeepRule;
  /** False: every move changes the incumbent, as with the loop's `decision.stack: false` and with chance. True when left out. */
  stacks?: boolean;
  /** True for the published night's loop, which measures a repeat as if it were new. */
  allowsRepeats?: boolean;
  /** A fresh contender for a seed. */
  start: (course: W, seed: string) => (situation: Situation) => Move | null;
}

export interface RaceResult {
  /** Share of the baseline's distance to the optimum that is left, after each measurement: 1 is the baseline, 0 the optimum. */
  regret: number[];
  distinct: number;
  /** Knobs changed in the first 30 turns, and in the first turns that are as many as there are knobs. */
  knobsTouched30: number;
  knobsTouchedFirst: number;
  wastedRepeats: number;
  /** Candidates within 1% of a knob's range of a measured configuration that is otherwise the same. */
  nearRepeats: number;
  failures: number;
  /** Candidates that broke a guard. */
  guardBreaks: number;
  modelTurns: number;
  keeps: number;
  /** Keeps of what is not truly better than what it replaced. */
  falseKeeps: number;
  /** Distance of the reported best from its truth: in its standard errors (null when it states none), and as a share of the baseline. */
  claimError: { inStandardErrors: number | null; relative: number };
}

/** What a race did, as anybody can see who does not know the truth. */
export interface RaceLog {
  /** Everything measured, the baseline first. */
  groups: (MeasuredGroup & { config: Config })[];
  /** The incumbent after each measurement. */
  incumbents: Config[];
  chosen: Config;
  /** Measurements of what was chosen, made after the choice. */
  confirmation: MeasuredGroup;
  /** The turn in which each knob was changed first. */
  touched: ReadonlyMap<string, number>;
  /** What was kept, and what it replaced. */
  kept: { config: Config; over: Config }[];
  distinct: number;
  wastedRepeats: number;
  nearRepeats: number;
  failures: number;
  guardBreaks: number;
  modelTurns: number;
}

interface Record {
  trial: Trial;
  values: number[];
  /** By guard, what each measurement reported. */
  reported: Map<string, number[]>;
}

const NEAR = 0.01;

function front({ course, incumbent, trials, noiseSd }: Situation): Config {
  const broken = new Set(trials.filter(breaksGuard).map(({ config }) => config));
  const fronts = frontsOf({ menu: course.menu, base: incumbent, trials, goal: course.goal, noiseSd });
  return fronts.find((config) => !broken.has(config)) ?? incumbent;
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function guardValuesOf(candidate: Record, comparator: Record): { [name: string]: GuardValues } {
  return Object.fromEntries(
    [...candidate.reported].map(([name, values]) => [
      name,
      { candidate: meanOf(values), comparator: meanOf(comparator.reported.get(name) ?? []) },
    ]),
  );
}

/** A race on work whose truth is known, and what it was worth. */
export function race(contender: Contender, course: Course, seed: number, budget: number): RaceResult {
  const racing = raceByMeasurement(contender, course, seed, budget);
  for (;;) {
    const { done, value } = racing.next();
    if (done) return score(value, course, contender.rule);
  }
}

/**
 * One run: baseline, then single-knob candidates until `budget` measurements are spent, replicates that the rule asks for included.
 * It stops before each measurement, so that races can be run side by side.
 */
export function* raceByMeasurement<W extends Work>(
  contender: Contender<W>,
  course: W,
  seed: number,
  budget: number,
): Generator<Config, RaceLog> {
  const { rule } = contender;
  const sign = course.goal === 'minimize' ? 1 : -1;
  const propose = contender.start(course, String(seed));
  const space = spaceOf(course.menu);
  const records = new Map<string, Record>();
  const situation: Situation = {
    course,
    base: course.base,
    incumbent: course.base,
    trials: [],
    steps: [],
    random: seededRandom(''),
    noiseSd: null,
    isTried: (config) => records.has(configKey(config)),
  };
  const incumbents: Config[] = [];
  const touched = new Map<string, number>();
  const kept: RaceLog['kept'] = [];
  const counts = { distinct: 0, wastedRepeats: 0, nearRepeats: 0, failures: 0, guardBreaks: 0, modelTurns: 0 };

  function* measure(config: Config): Generator<Config, Record> {
    yield config;
    const key = configKey(config);
    const nth = records.get(key)?.values.length ?? 0;
    const measured = course.sample(config, seed, nth);
    let record = records.get(key);
    if (!record) {
      record = { trial: { config, value: null, state: 'complete' }, values: [], reported: new Map() };
      records.set(key, record);
      situation.trials.push(record.trial);
    }
    const { values, trial } = record;
    if ('value' in measured) {
      values.push(measured.value);
      trial.value = values.reduce((sum, value) => sum + value, 0) / values.length;
      trial.n = values.length;
      trial.state = 'complete';
      for (const [name, value] of Object.entries(course.report?.(config, seed, nth) ?? {}))
        record.reported.set(name, [...(record.reported.get(name) ?? []), value]);
    } else if (values.length === 0) Object.assign(trial, { state: 'failed', failure: measured.failure });
    return record;
  }
  const spend = () => {
    if (incumbents.length < budget) incumbents.push(situation.incumbent);
  };
  const valuesOf = () => [...records.values()].map(({ values }) => values);
  const isNear = (move: Move): boolean => {
    const axis = space.axes.find(({ name }) => name === move.knob);
    if (!axis?.knob.range) return false;
    return situation.trials.some(
      ({ config }) =>
        Math.abs(axis.position(config[move.knob] as KnobValue) - axis.position(move.value)) < NEAR &&
        space.axes.every(({ name }) => name === move.knob || config[name] === situation.base[name]),
    );
  };

  let incumbent = yield* measure(course.base);
  for (let i = 1; i < rule.baselineReplicates; i++) yield* measure(course.base);
  if (incumbent.values.length === 0)
    throw new Error(`the defaults of ${course.name} cannot be run: ${incumbent.trial.failure}`);
  let blockedInARow = 0;
  let turns = 0;
  let decisions = 0;
  const confirm = 2 * rule.confirm;
  while (incumbents.length < budget - confirm && blockedInARow < 200) {
    situation.random = seededRandom(`turn ${course.name} ${seed} ${turns} ${blockedInARow}`);
    situation.noiseSd = estimateNoise(valuesOf()).sd;
    if (course.guards)
      for (const record of records.values())
        if (record.trial.state === 'complete')
          record.trial.guards = guardReadings(course.guards, guardValuesOf(record, incumbent));
    situation.base = contender.stacks === false ? situation.incumbent : front(situation);
    const move = propose(situation);
    if (!move) break;
    const config = { ...situation.base, [move.knob]: move.value };
    const isRepeat = records.has(configKey(config));
    const isIllegal = course.constraints.violations(config).length > 0 || situation.base[move.knob] === move.value;
    if (isIllegal || (isRepeat && contender.allowsRepeats !== true)) {
      blockedInARow++;
      situation.steps.push({ ...move, config, metric: null, outcome: 'blocked', gain: 0, measurements: 0, isRepeat });
      continue;
    }
    blockedInARow = 0;
    turns++;
    if (!touched.has(move.knob)) touched.set(move.knob, turns);
    if (isRepeat) counts.wastedRepeats++;
    else {
      counts.distinct++;
      if (isNear(move)) counts.nearRepeats++;
    }
    if (move.by === 'model') counts.modelTurns++;
    const before = incumbents.length;
    const record = yield* measure(config);

    let outcome: Step['outcome'] = 'failed';
    let measurements = 1;
    if (record.trial.state === 'complete') {
      const judge = (): Verdict =>
        rule.judge({
          goal: course.goal,
          candidate: record.values,
          incumbent: incumbent.values,
          groups: valuesOf(),
          decisionsSoFar: decisions,
          plannedDecisions: budget,
        });
      let verdict = judge();
      for (; verdict.startsWith('measure') && before + measurements < budget - confirm; verdict = judge()) {
        spend();
        measurements++;
        const again = verdict === 'measure candidate' ? config : situation.incumbent;
        const known = records.get(configKey(again))?.values.length;
        // A failed replicate adds no value, and the same question would come back until the budget is gone.
        if ((yield* measure(again)).values.length === known) break;
      }
      decisions++;
      const violations = checkGuards(course.guards ?? [], guardValuesOf(record, incumbent));
      if (violations.length > 0) counts.guardBreaks++;
      outcome = verdict === 'keep' && violations.length === 0 ? 'kept' : 'reverted';
    } else counts.failures++;
    let gain = 0;
    if (outcome === 'kept') {
      const [mine, theirs] = [record.trial.value as number, incumbent.trial.value as number];
      gain = Math.max(0, (sign * (theirs - mine)) / Math.abs(theirs));
      kept.push({ config, over: situation.incumbent });
      incumbent = record;
      situation.incumbent = config;
    }
    spend();
    situation.steps.push({ ...move, config, metric: record.trial.value, outcome, gain, measurements, isRepeat });
  }
  // As in the loop: what was chosen is measured anew, the baseline beside it, and only that is claimed.
  const fresh: number = incumbent.values.length;
  for (let i = 0; i < rule.confirm; i++)
    for (const config of [situation.incumbent, course.base]) {
      yield* measure(config);
      spend();
    }
  while (incumbents.length < budget) spend();
  return {
    ...counts,
    groups: [...records].map(([key, { trial, values }]) => ({ key, values, config: trial.config })),
    incumbents,
    chosen: situation.incumbent,
    confirmation: {
      key: configKey(situation.incumbent),
      values: incumbent.values.slice(fresh, situation.incumbent === course.base ? fresh : undefined),
    },
    touched,
    kept,
  };
}
