import { configKey, type Config, type KnobValue, type Trial } from '@nightshift/protocol';
import { seededRandom, type Random } from '@nightshift/control-plane/search/random';
import type { Course } from './objectives.js';

/** A proposal on the track: a single-knob change of the base, and who made it. */
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
  base: Config;
  trials: Trial[];
  steps: Step[];
  random: Random;
  isTried(config: Config): boolean;
}

export interface Contender {
  name: string;
  /** True for the published night's loop, which measures a repeat as if it were new. */
  allowsRepeats?: boolean;
  /** A fresh contender for a seed. */
  start(course: Course, seed: string): (situation: Situation) => Move | null;
}

export interface RaceResult {
  /** Share of the baseline's distance to the optimum that is left, after each measurement: 1 is the baseline, 0 the optimum. */
  regret: number[];
  distinct: number;
  knobsTouched30: number;
  wastedRepeats: number;
  failures: number;
  modelTurns: number;
}

interface Record {
  trial: Trial;
  values: number[];
}

const EXTRA = 2;

/**
 * One run: baseline, then single-knob candidates until `budget` measurements are spent. A candidate that beats the incumbent clearly
 * (1.64 standard errors) is kept, one that is worse is reverted, one between earns up to two replicates, which cost budget too.
 */
export function race(contender: Contender, course: Course, seed: number, budget: number): RaceResult {
  const sign = course.goal === 'minimize' ? 1 : -1;
  const noise = seededRandom(`noise ${course.name} ${seed}`);
  const propose = contender.start(course, String(seed));
  const records = new Map<string, Record>();
  const situation: Situation = {
    course,
    base: course.base,
    trials: [],
    steps: [],
    random: seededRandom(`${contender.name} ${course.name} ${seed}`),
    isTried: (config) => records.has(configKey(config)),
  };
  const regret: number[] = [];
  const touched = new Set<string>();
  const result = { distinct: 0, knobsTouched30: 0, wastedRepeats: 0, failures: 0, modelTurns: 0 };
  const gap = Math.abs(course.baseValue - course.best.value);

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
    if ('failure' in measured) Object.assign(record.trial, { state: 'failed', failure: measured.failure });
    else {
      record.values.push(measured.value + course.noiseSd * noise.normal());
      record.trial.value = record.values.reduce((sum, value) => sum + value, 0) / record.values.length;
    }
    return record;
  };
  const spend = () => {
    if (regret.length < budget) regret.push(Math.abs(truth(situation.base) - course.best.value) / gap);
  };

  let incumbent = measure(course.base);
  for (let i = 0; i < 2; i++) measure(course.base);
  let blockedInARow = 0;
  while (regret.length < budget && blockedInARow < 200) {
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
    if (situation.steps.filter((step) => step.outcome !== 'blocked').length < 30) touched.add(move.knob);
    const before = regret.length;
    const record = measure(config);
    if (isRepeat) result.wastedRepeats++;
    else result.distinct++;
    if (move.by === 'model') result.modelTurns++;

    let outcome: Step['outcome'] = 'failed';
    const effect = () => sign * ((incumbent.trial.value as number) - (record.trial.value as number));
    if (record.trial.state === 'complete') {
      const error = () => course.noiseSd * Math.sqrt(1 / incumbent.values.length + 1 / record.values.length);
      for (let extra = 0; extra < EXTRA && effect() > 0 && effect() < 1.64 * error(); extra++) {
        spend();
        measure(config);
      }
      outcome = effect() > 0 && effect() >= error() ? 'kept' : 'reverted';
    } else result.failures++;
    const gain = outcome === 'kept' ? effect() / Math.abs(incumbent.trial.value as number) : 0;
    if (outcome === 'kept') {
      incumbent = record;
      situation.base = config;
    }
    spend();
    const measurements = regret.length - before;
    situation.steps.push({ ...move, config, metric: record.trial.value, outcome, gain, measurements, isRepeat });
  }
  while (regret.length < budget) spend();
  return { ...result, regret, knobsTouched30: touched.size };
}
