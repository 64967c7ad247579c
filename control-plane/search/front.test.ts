import { defaultConfig, parseMenu, type Config, type Trial } from '@nightshift/protocol';
import { expect, test } from 'vitest';
import { frontOf } from './front.js';

const menu = parseMenu({
  knobs: {
    x: { type: 'float', range: [0, 1], default: 0.8 },
    y: { type: 'float', range: [0, 1], default: 0.2 },
    mode: { type: 'str', choices: ['a', 'b', 'c'], default: 'a' },
  },
});
const base = defaultConfig(menu);
const measured = (change: Config, value: number, n = 1): Trial => ({
  config: { ...base, ...change },
  value,
  n,
  state: 'complete',
});
const front = (trials: Trial[], goal: 'minimize' | 'maximize' = 'minimize', noiseSd: number | null = 0.01) =>
  frontOf({ menu, base, trials, goal, noiseSd });

test('the front is the measured configuration that is expected best, proven or not', () => {
  const trials = [
    measured({}, 1, 3),
    measured({ x: 0.5 }, 0.97),
    measured({ x: 0.4 }, 0.95),
    measured({ y: 0.9 }, 1.2),
  ];
  expect(front(trials)).toEqual({ ...base, x: 0.4 });
  const turned = trials.map((trial) => ({ ...trial, value: -(trial.value as number) }));
  expect(front(turned, 'maximize')).toEqual({ ...base, x: 0.4 });
});

test('one lucky draw among bad neighbours does not make a front', () => {
  const neighbours = [0.36, 0.38, 0.42, 0.44].map((x) => measured({ x }, 1.06, 3));
  expect(front([measured({}, 1, 3), ...neighbours, measured({ x: 0.4 }, 0.995)], 'minimize', 0.05)).toEqual(base);
});

test('nothing better, nothing measured of the base, or nothing known: the base itself', () => {
  expect(front([measured({}, 1, 3), measured({ x: 0.5 }, 1.1)])).toBe(base);
  expect(front([measured({ x: 0.5 }, 0.9), measured({ x: 0.6 }, 0.8)])).toBe(base);
  expect(front([])).toBe(base);
});

test('a failed, a pending and a given-up configuration are no front', () => {
  const others: Trial[] = [
    { config: { ...base, x: 0.1 }, value: null, state: 'failed', failure: 'oom' },
    { config: { ...base, x: 0.2 }, value: null, state: 'pending' },
    { config: { ...base, x: 0.3 }, value: 0.5, state: 'censored' },
  ];
  expect(front([measured({}, 1, 3), measured({ y: 0.4 }, 1.01), ...others])).toBe(base);
});
