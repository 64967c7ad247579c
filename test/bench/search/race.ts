import { configKey, type Config, type KnobValue, type Trial } from '@nightshift/protocol';
import { estimateNoise, reportedBest } from '@nightshift/control-plane/decision/index';
import { frontOf } from '@nightshift/control-plane/search/front';
import { seededRandom, type Random } from '@nightshift/control-plane/search/random';
import { spaceOf } from '@nightshift/control-plane/search/space';
import type { KeepRule, Verdict } from './keep-rule.js';
import type { Course } from './objectives.js';

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
  course: Course;
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

export interface Contender {
  name: string;
  rule: KeepRule;
  /** False: every move changes the incumbent, as with the loop's `decision.stack: false` and with chance. True when left out. */
  stacks?: boolean;
  /** True for the published night's loop, which measures a repeat as if it were new. */
  allowsRepeats?: boolean;
  /** A fresh contender for a seed. */
  start(course: Course, seed: string): (situation: Situation) => Move | null;
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
  modelTurns: number;
  keeps: number;
  /** Keeps of what is not truly better than what it replaced. */
  falseKeeps: number;
  /** Distance of the reported best from its truth: in its standard errors (null when it states none), and as a share of the baseline. */
  claimError: { inStandardErrors: number | null; relative: number };
}

interface Record {
  trial: Trial;
  values: number[];
}

const NEAR = 0.01;

function front({ course, incumbent, trials, noiseSd }: Situation): Config {
  return frontOf({ menu: course.menu, base: incumbent, trials, goal: course.goal, noiseSd });
}

/** One run: baseline, then single-knob candidates until `budget` measurements are spent, replicates that the rule asks for included. */
export function race(contender: Contender, course: Course, seed: number, budget: number): RaceResult {
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
  const regret: number[] = [];
  const touched = new Map<string, number>();
  const result = { distinct: 0, wastedRepeats: 0, nearRepeats: 0, failures: 0, modelTurns: 0, keeps: 0, falseKeeps: 0 };
  const gap = Math.abs(course.baseValue - course.best.value) || 1;

  const truth = (config: Config) => {
    const measured = course.measure(config);
    return 'value' in measured ? measured.value : Infinity * sign;
  };
  const measure = (config: Config): Record => {
    const key = configKey(config);
    const measured = course.measure(config);
    let record = records.get(key);
    if (!record) {
      record = { trial: { config, value: null, state: 'complete' }, values: [] };
      records.set(key, record);
      situation.trials.push(record.trial);
    }
    const { values, trial } = record;
    if ('failure' in measured) Object.assign(trial, { state: 'failed', failure: measured.failure });
    else {
      // The nth measurement of a configuration has the same noise for every contender of a seed.
      const luck = seededRandom(`noise ${course.name} ${seed} ${key} ${values.length}`);
      values.push(measured.value + course.noiseSd * luck.normal());
      trial.value = values.reduce((sum, value) => sum + value, 0) / values.length;
      trial.n = values.length;
    }
    return record;
  };
  const spend = () => {
    if (regret.length < budget) regret.push(Math.abs(truth(situation.incumbent) - course.best.value) / gap);
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

  let incumbent = measure(course.base);
  for (let i = 1; i < rule.baselineReplicates; i++) measure(course.base);
  let blockedInARow = 0;
  let turns = 0;
  let decisions = 0;
  const confirm = rule.confirm;
  while (regret.length < budget - confirm && blockedInARow < 200) {
    situation.random = seededRandom(`turn ${course.name} ${seed} ${turns} ${blockedInARow}`);
    situation.noiseSd = estimateNoise(valuesOf()).sd;
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
    if (isRepeat) result.wastedRepeats++;
    else {
      result.distinct++;
      if (isNear(move)) result.nearRepeats++;
    }
    if (move.by === 'model') result.modelTurns++;
    const before = regret.length;
    const record = measure(config);

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
        measure(verdict === 'measure candidate' ? config : situation.incumbent);
      }
      decisions++;
      outcome = verdict === 'keep' ? 'kept' : 'reverted';
    } else result.failures++;
    let gain = 0;
    if (outcome === 'kept') {
      const [mine, theirs] = [record.trial.value as number, incumbent.trial.value as number];
      gain = Math.max(0, (sign * (theirs - mine)) / Math.abs(theirs));
      result.keeps++;
      if (sign * (truth(situation.incumbent) - truth(config)) <= 0) result.falseKeeps++;
      incumbent = record;
      situation.incumbent = config;
    }
    spend();
    situation.steps.push({ ...move, config, metric: record.trial.value, outcome, gain, measurements, isRepeat });
  }
  // As in the loop: what was chosen is measured anew, and only that is claimed.
  const confirmation = { key: configKey(situation.incumbent), values: [] as number[] };
  for (let i = 0; i < confirm; i++) {
    measure(situation.incumbent);
    confirmation.values.push(incumbent.values.at(-1) as number);
    spend();
  }
  while (regret.length < budget) spend();
  const within = (limit: number) => [...touched.values()].filter((turn) => turn <= limit).length;
  return {
    ...result,
    regret,
    knobsTouched30: within(30),
    knobsTouchedFirst: within(space.axes.length),
    claimError: claimError(),
  };

  function claimError(): RaceResult['claimError'] {
    const groups = [...records].map(([key, { values }]) => ({ key, values }));
    const truthOf = (key: string) => truth((records.get(key) as Record).trial.config);
    if (rule.name === 'naive') {
      const all = groups.flatMap(({ key, values }) => values.map((value) => ({ key, value })));
      const luckiest = all.reduce((a, b) => (sign * b.value < sign * a.value ? b : a));
      return {
        inStandardErrors: Math.abs(luckiest.value - truthOf(luckiest.key)) / course.noiseSd,
        relative: Math.abs(luckiest.value - truthOf(luckiest.key)) / Math.abs(course.baseValue),
      };
    }
    const isKept = confirmation.key !== configKey(course.base);
    const best = reportedBest({
      goal: course.goal,
      groups,
      baselineKey: configKey(course.base),
      confirmation: isKept ? confirmation : null,
    });
    if (!best) return { inStandardErrors: null, relative: 0 };
    const off = Math.abs(best.shrunken - truthOf(best.key));
    return {
      inStandardErrors: best.standardError ? off / best.standardError : null,
      relative: off / Math.abs(course.baseValue),
    };
  }
}
