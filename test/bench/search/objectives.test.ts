import { compileConstraints, defaultConfig, type Config, type Knob } from '@nightshift/protocol';
import { randomSampler } from '@nightshift/control-plane/search/random-sampler';
import { describe, expect, test } from 'vitest';
import { amnesiacPolicy, hybridContender, modelContender, samplerContender } from './contenders.js';
import { CONFIDENCE, naiveRule, ourRule, type KeepRule } from './keep-rule.js';
import { gptSurrogate } from './objective-gpt.js';
import { braninMixed } from './objective-standard.js';
import { OBJECTIVES, prepare } from './objectives.js';
import { race, raceByMeasurement } from './race.js';
import { pairedDifference } from './report.js';
import { estimate, studentQuantile95 } from './statistics.js';

describe.each(OBJECTIVES.map((objective) => [objective.name, objective] as const))('%s', (_, objective) => {
  const course = prepare(objective);

  test('has a legal optimum that no random search beats', () => {
    expect(compileConstraints(objective.menu).violations(course.best.config)).toEqual([]);
    expect(objective.measure(course.best.config)).toEqual({ value: course.best.value });
    const result = race(samplerContender('random', randomSampler), course, 1, 60);
    expect(Math.min(...result.regret)).toBeGreaterThan(-0.01);
    expect(result.regret[0]).toBeLessThanOrEqual(1.2);
  });

  test('leaves the baseline room to improve that noise does not hide', () => {
    expect(Math.abs(course.baseValue - course.best.value)).toBeGreaterThan(10 * course.noiseSd);
  });
});

test('the training surrogate has its three bad regions', () => {
  const [gpt] = OBJECTIVES;
  const at = (more: object) => gpt?.measure({ ...defaultConfig(gpt.menu), ...more });
  expect(at({ d_model: 2048, n_layer: 48, d_ff: 8192 })).toEqual({ failure: 'oom' });
  expect(at({ d_model: 2048, n_layer: 24, d_ff: 8192 })).toEqual({ failure: 'timeout' });
  expect(at({ lr: 0.01 })).toEqual({ failure: 'diverged' });
});

test('a race is the same again for the same seed, and only the published loop wastes repeats', () => {
  const course = prepare(OBJECTIVES[0] as (typeof OBJECTIVES)[number]);
  const forgetful = modelContender('amnesiac', amnesiacPolicy, true);
  const hybrid = hybridContender('hybrid', randomSampler, amnesiacPolicy);
  expect(race(forgetful, course, 3, 40)).toEqual(race(forgetful, course, 3, 40));
  expect(race(forgetful, course, 3, 40).wastedRepeats).toBeGreaterThan(5);
  expect(race(hybrid, course, 3, 40).wastedRepeats).toBe(0);
});

test('a candidate that breaks a guard is never kept, and nothing stands on it', () => {
  const guard = { name: 'width', max: 768, min: null, maxRegression: null, goal: 'minimize' as const };
  const narrow = { ...gptSurrogate.menu, knobs: { ...gptSurrogate.menu.knobs } };
  const course = prepare({
    ...gptSurrogate,
    menu: { ...narrow, knobs: { ...narrow.knobs, d_model: { ...narrow.knobs['d_model'], default: 768 } as Knob } },
  });
  const guarded = { ...course, guards: [guard], report: (config: Config) => ({ width: Number(config['d_model']) }) };
  const racing = raceByMeasurement(samplerContender('random', randomSampler), guarded, 5, 60);
  let next = racing.next();
  while (next.done !== true) next = racing.next();
  const { guardBreaks, incumbents, groups } = next.value;
  const isWide = (config: Config) => Number(config['d_model']) > 768;
  expect(guardBreaks).toBeGreaterThan(0);
  expect(groups.filter(({ config, values }) => values.length > 0 && isWide(config))).toHaveLength(guardBreaks);
  expect(incumbents.some(isWide)).toBe(false);
});

test('contenders that do the same have the same luck, so that their paired difference is exactly nothing', () => {
  const course = prepare(braninMixed);
  const runs = (name: string) =>
    new Map([['branin', [1, 2, 3].map((seed) => race(samplerContender(name, randomSampler), course, seed, 30))]]);
  const [one, other] = [runs('one'), runs('other')];
  expect(one).toEqual(other);
  expect(pairedDifference(one, other, 25)).toEqual({ mean: 0, half: 0 });
});

test('a paired difference is taken seed by seed, over the seeds that both have', () => {
  const result = race(samplerContender('random', randomSampler), prepare(braninMixed), 1, 5);
  const with25 = (...regrets: number[]) =>
    new Map([['x', regrets.map((regret) => ({ ...result, regret: Array<number>(25).fill(regret / 100) }))]]);
  expect(pairedDifference(with25(10, 20, 30, 999), with25(12, 22, 32), 25).mean).toBeCloseTo(-2, 10);
  expect(pairedDifference(with25(10, 20, 30), with25(12, 22, 32), 25).half).toBeCloseTo(0, 10);
});

test('where nothing can be gained the naive rule keeps luck, and ours stays within its budget', () => {
  const course = prepare({ ...gptSurrogate, measure: () => ({ value: 10 }) });
  const falseKeeps = (rule: KeepRule) =>
    Array.from({ length: 20 }, (_, seed) => race(samplerContender('random', randomSampler, rule), course, seed, 60))
      .map((result) => result.falseKeeps)
      .reduce((sum, count) => sum + count, 0) / 20;
  expect(falseKeeps(naiveRule)).toBeGreaterThan(1);
  expect(falseKeeps(ourRule)).toBeLessThanOrEqual(1 - CONFIDENCE);
});

test("Student's quantile and the interval have their known values", () => {
  expect(studentQuantile95(29)).toBeCloseTo(2.045, 2);
  expect(studentQuantile95(5)).toBeCloseTo(2.571, 1);
  expect([1, 2, 3].map((degrees) => studentQuantile95(degrees).toFixed(1))).toEqual(['12.7', '4.3', '3.2']);
  expect(estimate([1, 2, 3, 4, 5]).mean).toBe(3);
  expect(estimate([1, 2, 3, 4, 5]).half).toBeCloseTo(1.963, 1);
});
