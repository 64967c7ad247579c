import { compileConstraints, configKey, defaultConfig, parseMenu, type Config, type Trial } from '@nightshift/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gpSampler } from './gp-sampler.js';
import { nearMeasured, neighbourhood } from './neighbourhood.js';
import { seededRandom } from './random.js';
import type { SuggestInput } from './sampler.js';
import { spaceOf } from './space.js';

const menu = parseMenu({
  knobs: {
    warmup: { type: 'float', range: [0, 0.5], default: 0.05 },
    lr: { type: 'float', range: [1e-4, 1], scale: 'log', default: 0.003 },
    schedule: { type: 'str', choices: ['constant', 'cosine'], default: 'constant' },
    width: { type: 'int', choices: [64, 65], default: 64 },
  },
});
const space = spaceOf(menu);
const base = defaultConfig(menu);

function inputOf(configs: Config[], from: Config = base): SuggestInput {
  const trials: Trial[] = configs.map((config, i) => ({ config, value: 3 + ((i * 7) % 5) / 50, state: 'complete' }));
  const tried = new Set(configs.map(configKey));
  return {
    menu,
    constraints: compileConstraints(menu),
    base: from,
    trials,
    goal: 'minimize',
    random: seededRandom('near'),
    noiseSd: 0.06,
    exclude: (key) => tried.has(key),
  };
}
const isNear = (input: SuggestInput, knob: string, value: number | string) => {
  const axis = space.axes.findIndex(({ name }) => name === knob);
  return nearMeasured(space, input)({ axis, knob, value, position: space.axes[axis]?.position(value) ?? NaN });
};

test('a value next to a measured one, or to the base’s own, cannot be told from it', () => {
  const input = inputOf([base, { ...base, warmup: 0.5 }]);
  expect(isNear(input, 'warmup', 0.497)).toBe(true);
  expect(isNear(input, 'warmup', 0.055)).toBe(true);
  expect(isNear(input, 'warmup', 0.4)).toBe(false);
  expect(isNear(input, 'lr', 0.0031)).toBe(true);
  expect(isNear(input, 'lr', 0.006)).toBe(false);
});

test('choices are never too near, and what was measured on another base says nothing', () => {
  const input = inputOf([base, { ...base, width: 65 }, { ...base, schedule: 'cosine', warmup: 0.5 }]);
  expect(isNear(input, 'width', 65)).toBe(false);
  expect(isNear(input, 'schedule', 'cosine')).toBe(false);
  expect(isNear(input, 'warmup', 0.497)).toBe(false);
});

test('the neighbourhood shrinks with trials, so that a refinement stays possible', () => {
  const sizes = [0, 10, 20, 50, 100, 1000].map((trials) => neighbourhood(trials));
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  expect(sizes[0]).toBe(0.02);
  expect(neighbourhood(20)).toBeCloseTo(0.01);
  expect(sizes.at(-1)).toBe(0.002);
  expect(neighbourhood(10, 0.5)).toBeCloseTo(0.1);
  expect(neighbourhood(10, 50)).toBeCloseTo(0.1);
});

test('the sampler suggests nothing within it while anything else is left', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat({ max: 12 }), (seed, turns) => {
      const configs = [base];
      for (let i = 0; i <= turns; i++) {
        const input = inputOf(configs);
        const found = gpSampler({ ...input, random: seededRandom(`${seed} ${i}`) });
        if (!found) return;
        expect(isNear(input, found.knob, found.newValue as number)).toBe(false);
        configs.push({ ...base, [found.knob]: found.newValue });
      }
    }),
    { numRuns: 15 },
  );
});
