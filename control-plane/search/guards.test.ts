import { compileConstraints, configKey, defaultConfig, parseMenu, type Config, type Trial } from '@nightshift/protocol';
import { expect, test } from 'vitest';
import { describeBelief } from './belief.js';
import { gpSampler } from './gp-sampler.js';
import { rankChanges } from './ranking.js';
import { seededRandom } from './random.js';
import type { SuggestInput } from './sampler.js';
import { tpeSampler } from './tpe-sampler.js';
import { weighChange } from './weigh-change.js';

const menu = parseMenu({
  knobs: {
    width: { type: 'int', range: [0, 100], default: 20 },
    rate: { type: 'float', range: [0, 1], default: 0.5 },
  },
});
const base = defaultConfig(menu);
const limit = 40;
// Wider is better by the metric, and more memory than the guard allows.
const cost = ({ width, rate }: Config) => 10 - Number(width) / 20 + (Number(rate) - 0.4) ** 2;
const trial = (config: Config, isGuarded = true): Trial => ({
  config,
  value: cost(config),
  state: 'complete',
  ...(isGuarded && {
    guards: [{ name: 'peak_gb', bound: 'max' as const, limit, value: Number(config['width']) }],
  }),
});
const tried = [base, { ...base, width: 60 }, { ...base, width: 80 }, { ...base, width: 30 }, { ...base, rate: 0.7 }];
function input(isGuarded: boolean): SuggestInput {
  const trials = tried.map((config) => trial(config, isGuarded));
  return {
    menu,
    constraints: compileConstraints(menu),
    base,
    trials,
    goal: 'minimize',
    random: seededRandom('guards'),
    noiseSd: 0.01,
    exclude: (key) => trials.some(({ config }) => configKey(config) === key),
  };
}

test('what broke a guard is measured for the metric and not feasible, with everything beyond it', () => {
  const [seen, unseen] = [rankChanges(input(true)), rankChanges(input(false))];
  const width = seen?.space.axes.findIndex(({ name }) => name === 'width') as number;
  expect(seen?.surrogate.change(width, 0.7)).toEqual(unseen?.surrogate.change(width, 0.7));
  expect(seen?.feasibility.holds(width, 0.9)).toBeLessThan(0.2);
  expect(seen?.feasibility.holds(width, 0.25)).toBeGreaterThan(0.8);
  expect(seen?.feasibility.runs(width, 0.9)).toBe(1);
  expect(unseen?.feasibility.holds(width, 0.9)).toBe(1);
  expect(seen?.feasibility.failures).toEqual({});
});

test('a guard that nobody reported is broken like one beyond its limit', () => {
  const given = input(true);
  const trials = given.trials.map((one) => ({ ...one, guards: one.guards?.map((guard) => ({ ...guard })) }));
  for (const { guards } of trials) for (const guard of guards ?? []) if ((guard.value ?? 0) > limit) guard.value = null;
  expect(rankChanges({ ...given, trials })?.scored).toEqual(rankChanges(input(true))?.scored);
});

test('a guard that nobody can tell of says nothing: it holds no more than it breaks', () => {
  const given = input(true);
  const beyond = [70, 75, 85, 90].map((width): Trial => trial({ ...base, width }, false));
  const width = rankChanges(given)?.space.axes.findIndex(({ name }) => name === 'width') as number;
  const chance = (trials: readonly Trial[]) => rankChanges({ ...given, trials })?.feasibility.holds(width, 0.9);
  expect(chance([...given.trials, ...beyond])).toBe(chance(given.trials));
  expect(chance([...given.trials, ...beyond.map((one) => ({ ...one, guards: [] }))])).toBe(chance(given.trials));
});

test('the sampler follows the metric over the wall while the guard is not told, and stays before it when it is', () => {
  expect(gpSampler(input(false))).toMatchObject({ knob: 'width' });
  expect(Number(gpSampler(input(false))?.newValue)).toBeGreaterThan(limit);
  const found = gpSampler(input(true));
  expect(found?.knob === 'rate' || Number(found?.newValue) <= limit).toBe(true);
});

test("somebody else's proposal beyond the wall promises little", () => {
  const change = { knob: 'width', newValue: 90 };
  expect(weighChange(input(true), change)?.promise).toBeLessThan(0.1);
  expect(weighChange(input(false), change)?.promise).toBeGreaterThan(0.5);
});

test('the belief says which guard breaks where, and takes nothing that broke one for the best', () => {
  const belief = describeBelief(input(true));
  expect(belief.bestMeasured).toBe(cost({ ...base, width: 30 }));
  expect(belief.feasibility.guards).toEqual([{ name: 'peak_gb', bound: 'max', limit, measured: 5, broken: 2 }]);
  expect(belief.feasibility.risky[0]?.knob).toBe('width');
  expect(belief.summary).toContain('guard peak_gb (at most 40): broken by 2 of 5 measured, which are never kept');
  expect(belief.summary.join('\n')).toMatch(/width \d+ would run and hold the guards with \d/);
  expect(describeBelief(input(false)).feasibility).not.toHaveProperty('guards');
});

test('the tree-structured estimator never counts what broke a guard among the better part', () => {
  const widths = (isGuarded: boolean) => {
    const given = input(isGuarded);
    const more = [35, 38, 25, 28, 33].map((width) => trial({ ...base, width }, isGuarded));
    const far = [65, 70, 75, 85, 90].map((width) => trial({ ...base, width }, isGuarded));
    const trials = [...given.trials, ...more, ...far, trial({ ...base, rate: 0.2 }, isGuarded)];
    return Array.from({ length: 20 }, (_, i) =>
      tpeSampler({ ...given, trials, random: seededRandom(String(i)) }),
    ).filter((found) => found?.knob === 'width' && Number(found.newValue) > limit).length;
  };
  expect(widths(true)).toBeLessThan(widths(false));
});
