import { compileConstraints, configKey, defaultConfig, parseMenu, type Trial } from '@nightshift/protocol';
import { describe, expect, test } from 'vitest';
import { describeBelief } from './belief.js';
import { beyond } from './censored.js';
import { learnFeasibility } from './feasibility.js';
import { gpSampler } from './gp-sampler.js';
import { seededRandom } from './random.js';
import type { SuggestInput } from './sampler.js';
import { spaceOf } from './space.js';
import { fitSurrogate } from './surrogate.js';
import { modelAdvantage } from './track-record.js';

const menu = parseMenu({
  knobs: { x: { type: 'float', range: [0, 1], default: 0.5 }, y: { type: 'float', range: [0, 1], default: 0.5 } },
});
const measured = (x: number, value: number): Trial => ({ config: { x, y: 0.5 }, value, state: 'complete' });
const TRIALS = [measured(0.5, 1), measured(0.6, 0.98), measured(0.4, 1.03), measured(0.7, 0.97)];
function inputFor(trials: Trial[]): SuggestInput {
  const tried = new Set(trials.map((trial) => configKey(trial.config)));
  return {
    menu,
    constraints: compileConstraints(menu),
    base: defaultConfig(menu),
    trials,
    goal: 'minimize',
    random: seededRandom('censored'),
    noiseSd: 0.002,
    exclude: (key) => tried.has(key),
  };
}
const at = (trials: Trial[], x: number) => fitSurrogate(spaceOf(menu), inputFor(trials))!.change(0, x);
const given: Trial = { config: { x: 0.95, y: 0.5 }, value: 1.1, state: 'censored' };

describe('a normal variable that is known to exceed a bound', () => {
  test('has the mean and the variance of the half normal at its own mean', () => {
    const { mean, variance } = beyond({ mean: 3, variance: 4 }, 3);
    expect(mean).toBeCloseTo(3 + 2 * Math.sqrt(2 / Math.PI), 5);
    expect(variance).toBeCloseTo(4 * (1 - 2 / Math.PI), 5);
  });

  test('stays what it was where the bound says nothing, and lies just beyond one that is far out', () => {
    expect(beyond({ mean: 0, variance: 1 }, -9).mean).toBeCloseTo(0, 6);
    const far = beyond({ mean: 0, variance: 1 }, 40);
    expect(far.mean).toBeGreaterThan(40);
    expect(far.mean).toBeLessThan(40.1);
    expect(far.variance).toBeGreaterThanOrEqual(0);
  });
});

describe('a configuration that was given up', () => {
  test('makes its surroundings look worse, and never better than its bound allows', () => {
    expect(at([...TRIALS, given], 0.95).mean).toBeGreaterThan(at(TRIALS, 0.95).mean);
  });

  test('teaches nothing where the measurements already expect far worse', () => {
    const steep = [...TRIALS, measured(0.94, 3), measured(0.96, 3)];
    const better: Trial = { ...given, value: 0.99 };
    expect(at([...steep, better], 0.95).mean).toBeCloseTo(at(steep, 0.95).mean, 1);
  });

  test('stands where other evidence expects it, as far as that evidence is sure', () => {
    const told = (value: number, sd: number) => at([...TRIALS, { ...given, estimate: { value, sd } }], 0.95).mean;
    expect(told(1.3, 0.001)).toBeGreaterThan(told(1.15, 0.001));
    expect(told(1.3, 0.001)).toBeGreaterThan(told(1.3, 0.5));
    expect(told(1.3, 50)).toBeCloseTo(at(TRIALS, 0.95).mean, 1);
  });

  test('says nothing of whether a configuration runs', () => {
    const space = spaceOf(menu);
    const base = space.encode(defaultConfig(menu));
    const learned = learnFeasibility(space, base, [...TRIALS, given]);
    expect(learned.failures).toEqual({});
    expect(learned.probability(0, 0.95)).toBe(1);
  });

  test('is told in the belief, and is no best measured value', () => {
    const belief = describeBelief(inputFor([...TRIALS, { ...given, value: 0.1 }]));
    expect(belief.trials).toEqual({ complete: 4, failed: 0, pending: 0, censored: 1 });
    expect(belief.bestMeasured).toBe(0.97);
    expect(belief.summary[0]).toBe('4 measured, 0 failed, 0 pending, 1 given up as worse before their full budget');
  });

  test('has no surprise of its own, and counts against whoever proposed it', () => {
    const space = spaceOf(menu);
    const surprises = fitSurrogate(space, inputFor([given, ...TRIALS]))!.surprises();
    expect([...surprises.keys()]).toEqual(TRIALS.map(({ config }) => configKey(config)));
    const turn = { proposer: 'model' as const, gain: 0, measurements: 0.2, key: configKey(given.config) };
    expect(modelAdvantage(new Map(), [given], [turn])).toBeLessThan(modelAdvantage(new Map(), [], []));
  });

  test('does not keep the sampler from suggesting', () => {
    expect(gpSampler(inputFor([...TRIALS, given]))).not.toBeNull();
    expect(gpSampler(inputFor([given, { ...given, config: { x: 0.1, y: 0.5 } }]))).not.toBeNull();
  });
});
