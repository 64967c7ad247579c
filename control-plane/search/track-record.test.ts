import { configKey, type Trial } from '@nightshift/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Turn } from './hybrid.js';
import { modelAdvantage } from './track-record.js';

const keyOf = (x: number) => configKey({ x });
const turns = (proposer: Turn['proposer'], from: number, count: number): Turn[] =>
  Array.from({ length: count }, (_, i) => ({ proposer, gain: 0, measurements: 1, key: keyOf(from + i) }));
const surprises = (from: number, values: number[]) => values.map((value, i) => [keyOf(from + i), value] as const);

test('a new model is taken to know no more than the sampler, and no turn without a measurement changes that', () => {
  const start = modelAdvantage(new Map(), [], []);
  expect(start).toBe(0);
  expect(modelAdvantage(new Map(), [], [], true)).toBe(0.5);
  expect(
    modelAdvantage(new Map(), [], [...turns('model', 0, 9), { proposer: 'model', gain: 0, measurements: 0 }]),
  ).toBe(start);
});

test('a model whose proposals turn out better than expected gains trust, and a disappointing one loses it', () => {
  const good = modelAdvantage(new Map(surprises(0, [-1, -1.2, -0.8, -1])), [], turns('model', 0, 4));
  const bad = modelAdvantage(new Map(surprises(0, [1, 1.2, 0.8, 1])), [], turns('model', 0, 4));
  expect(good).toBeGreaterThan(0.3);
  expect(bad).toBeLessThan(0);
});

test('what surprises on the sampler’s turns too is no merit of the model', () => {
  const both = new Map([...surprises(0, [-1, -1, -1, -1]), ...surprises(10, [-1, -1, -1, -1])]);
  const history = [...turns('model', 0, 4), ...turns('sampler', 10, 4)];
  expect(modelAdvantage(both, [], history)).toBeCloseTo(0, 10);
});

test('a failed proposal is a disappointment', () => {
  const failed: Trial[] = [0, 1, 2, 3].map((x) => ({ config: { x }, value: null, state: 'failed', failure: 'oom' }));
  expect(modelAdvantage(new Map(), failed, turns('model', 0, 4))).toBeLessThan(-0.5);
});

test('a good metric that breaks a guard is a disappointment too', () => {
  const trials = [0, 1, 2, 3].map((x): Trial => ({
    config: { x },
    value: 1,
    state: 'complete',
    guards: [{ name: 'gb', bound: 'max', limit: 40, value: 50 }],
  }));
  const better = new Map(surprises(0, [-1, -1, -1, -1]));
  expect(modelAdvantage(better, [], turns('model', 0, 4))).toBeGreaterThan(0.3);
  expect(modelAdvantage(better, trials, turns('model', 0, 4))).toBeLessThan(-0.5);
});

test('the advantage stays within its bounds for any history', () => {
  const surprise = fc.double({ min: -50, max: 50, noNaN: true });
  fc.assert(
    fc.property(fc.array(surprise, { maxLength: 40 }), fc.array(surprise, { maxLength: 40 }), (model, sampler) => {
      const known = new Map([...surprises(0, model), ...surprises(100, sampler)]);
      const advantage = modelAdvantage(
        known,
        [],
        [...turns('model', 0, model.length), ...turns('sampler', 100, sampler.length)],
      );
      expect(advantage).toBeGreaterThanOrEqual(-1);
      expect(advantage).toBeLessThanOrEqual(1.5);
    }),
  );
});
