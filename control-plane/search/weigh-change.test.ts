import { compileConstraints, configKey, defaultConfig, parseMenu, type Config, type Trial } from '@nightshift/protocol';
import { expect, test } from 'vitest';
import type { Turn } from './hybrid.js';
import { isCoverageDue } from './coverage.js';
import { seededRandom } from './random.js';
import { weighChange } from './weigh-change.js';

const menu = parseMenu({
  knobs: {
    x: { type: 'float', range: [0, 1], default: 0.8 },
    size: { type: 'int', range: [1, 100], default: 20 },
  },
});
const base = defaultConfig(menu);
const cost = (config: Config) => 5 * (Number(config['x']) - 0.3) ** 2;
const complete = (config: Config): Trial => ({ config, value: cost(config), state: 'complete' });
const trials: Trial[] = [
  ...[base, { ...base, x: 0.1 }, { ...base, x: 0.5 }, { ...base, x: 1 }, { ...base, size: 30 }].map(complete),
  { config: { ...base, size: 80 }, value: null, state: 'failed', failure: 'oom' },
];
const input = (more: Trial[] = trials) => ({
  menu,
  constraints: compileConstraints(menu),
  base,
  trials: more,
  goal: 'minimize' as const,
  random: seededRandom('screen'),
  noiseSd: 0.01,
  exclude: (key: string) => more.some((trial) => configKey(trial.config) === key),
});

test('a good change promises more than a bad one, and a hopeless one nearly nothing', () => {
  const good = weighChange(input(), { knob: 'x', newValue: 0.3 });
  const bad = weighChange(input(), { knob: 'x', newValue: 0.95 });
  const oom = weighChange(input(), { knob: 'size', newValue: 82 });
  expect(good?.promise).toBeGreaterThan(0.3);
  expect(good?.probabilityBetter).toBeGreaterThan(0.9);
  expect(bad?.promise).toBeLessThan(good?.promise as number);
  expect(oom?.probabilityFeasible).toBeLessThan(0.4);
  expect(oom?.promise).toBeLessThan(0.05);
});

test('the same proposal promises more from a model whose earlier ones beat what was expected', () => {
  const proposal = { knob: 'size', newValue: 50 };
  // x = 0.5 was far better than the base and x = 1 worse: who proposed which is all that differs.
  const by = (x: number): Turn[] => [{ proposer: 'model', gain: 0, measurements: 1, key: configKey({ ...base, x }) }];
  const plain = weighChange(input(), proposal)?.promise as number;
  const trusted = weighChange(input(), proposal, by(0.5))?.promise as number;
  const doubted = weighChange(input(), proposal, by(1))?.promise as number;
  expect(trusted).toBeGreaterThan(plain);
  expect(doubted).toBeLessThan(plain);
});

test('too few measurements, or a knob that is not on the menu, cannot be judged', () => {
  expect(weighChange(input(trials.slice(0, 1)), { knob: 'x', newValue: 0.3 })).toBeNull();
  expect(weighChange(input(), { knob: 'nothing', newValue: 1 })).toBeNull();
});

test('coverage is due while a knob was never changed and the deadline is near, and not afterwards', () => {
  const onlyX = trials.filter((trial) => trial.config['size'] === 20);
  expect(isCoverageDue({ menu, base, trials: onlyX })).toBe(true);
  expect(isCoverageDue({ menu, base, trials })).toBe(false);
});
