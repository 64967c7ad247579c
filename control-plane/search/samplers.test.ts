import {
  compileConstraints,
  configKey,
  defaultConfig,
  knobValueProblem,
  parseMenu,
  type Config,
  type Knob,
  type KnobValue,
  type Menu,
  type Trial,
} from '@nightshift/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeBelief } from './belief.js';
import { coverageDeadline } from './coverage.js';
import { defaultSampler } from './default-sampler.js';
import { gpSampler } from './gp-sampler.js';
import { seededRandom } from './random.js';
import { randomSampler } from './random-sampler.js';
import type { Sampler, SuggestInput } from './sampler.js';
import { tpeSampler } from './tpe-sampler.js';

const SAMPLERS: [string, Sampler][] = [
  ['random', randomSampler],
  ['tpe', tpeSampler],
  ['gp', gpSampler],
];
const LEARNING = SAMPLERS.slice(1);

const mixed = parseMenu({
  knobs: {
    lr: { type: 'float', range: [1e-5, 1e-2], default: 3e-4 },
    decay: { type: 'float', range: [0, 0.5], default: 0 },
    depth: { type: 'int', range: [4, 48], default: 24 },
    heads: { type: 'int', choices: [4, 8, 16, 32], default: 16 },
    width: { type: 'int', choices: [256, 512, 768, 1024], default: 512 },
    optimizer: { type: 'str', choices: ['sgd', 'adamw', 'lion'], default: 'sgd' },
    tied: { type: 'bool', default: false },
  },
  constraints: [
    { id: 'heads_fit', rule: 'width % heads == 0' },
    { id: 'deep_is_narrow', rule: 'depth <= 32 || width <= 768' },
    { id: 'no_fast_sgd', rule: 'optimizer != "sgd" || lr <= 0.003' },
  ],
});

function inputFor(menu: Menu, more: Partial<SuggestInput> = {}): SuggestInput {
  const trials = more.trials ?? [];
  const tried = new Set(trials.map((trial) => configKey(trial.config)));
  return {
    menu,
    constraints: compileConstraints(menu),
    base: defaultConfig(menu),
    trials,
    goal: 'minimize',
    random: seededRandom('test'),
    exclude: (key) => tried.has(key),
    ...more,
  };
}

/** Runs a greedy loop without noise; returns every trial, the base included, in order. */
function search(
  menu: Menu,
  sampler: Sampler,
  measure: (config: Config) => number | null,
  turns: number,
  seed = 'search',
): { trials: Trial[]; base: Config } {
  const random = seededRandom(seed);
  const trialOf = (config: Config): Trial => {
    const value = measure(config);
    return value === null ? { config, value, state: 'failed', failure: 'oom' } : { config, value, state: 'complete' };
  };
  let base = defaultConfig(menu);
  const trials = [trialOf(base)];
  let best = trials[0]?.value ?? Infinity;
  for (let i = 0; i < turns; i++) {
    const found = sampler(inputFor(menu, { base, trials, random }));
    if (!found) break;
    const trial = trialOf({ ...base, [found.knob]: found.newValue });
    trials.push(trial);
    if (trial.value !== null && trial.value < best) [best, base] = [trial.value, trial.config];
  }
  return { trials, base };
}

/** A made-up metric over any menu, to give trials values. */
function someValue(config: Config): number {
  return (
    configKey(config).length +
    Math.sin(
      configKey(config)
        .split('')
        .reduce((sum, c) => sum + c.charCodeAt(0), 0),
    )
  );
}

const trialState = fc.constantFrom('complete', 'failed', 'pending', 'censored');

describe.each(SAMPLERS)('%s', (_, sampler) => {
  test('suggests one legal, new, unmeasured change whatever was tried before', () => {
    const constraints = compileConstraints(mixed);
    fc.assert(
      fc.property(
        fc.string(),
        fc.array(trialState, { maxLength: 25 }),
        fc.constantFrom('minimize' as const, 'maximize' as const),
        (seed, states, goal) => {
          const random = seededRandom(seed);
          const trials: Trial[] = [];
          let base = defaultConfig(mixed);
          for (const state of states) {
            const made = randomSampler(inputFor(mixed, { base, trials, random }));
            if (!made) break;
            const config = { ...base, [made.knob]: made.newValue };
            trials.push(
              state === 'complete' || state === 'censored'
                ? { config, state, value: someValue(config) }
                : { config, state, value: null },
            );
            if (state === 'complete' && random.uniform() < 0.4) base = config;
          }
          const found = sampler(inputFor(mixed, { base, trials, random, goal }));
          expect(found).not.toBeNull();
          if (!found) return;
          const config = { ...base, [found.knob]: found.newValue };
          expect(knobValueProblem(mixed.knobs[found.knob] as Knob, found.newValue)).toBeNull();
          expect(found.newValue).not.toBe(base[found.knob]);
          expect(constraints.violations(config)).toEqual([]);
          expect(trials.map((trial) => configKey(trial.config))).not.toContain(configKey(config));
          expect(found.reason).toContain(found.knob);
          expect(JSON.parse(JSON.stringify(found.belief))).toEqual(found.belief);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('equal inputs and seeds give equal suggestions', () => {
    const { trials, base } = search(mixed, randomSampler, someValue, 14);
    const ask = () => sampler(inputFor(mixed, { base, trials, random: seededRandom('same') }));
    expect(ask()).toEqual(ask());
  });

  test('uses up a finite menu without a repeat, then says null', () => {
    const menu = parseMenu({
      knobs: {
        a: { type: 'int', range: [0, 60], default: 3 },
        b: { type: 'str', choices: ['x', 'y', 'z'], default: 'x' },
        c: { type: 'bool', default: true },
      },
      constraints: [{ id: 'odd', rule: 'a % 2 == 1' }],
    });
    const base = defaultConfig(menu);
    const trials: Trial[] = [{ config: base, value: 1, state: 'complete' }];
    for (let i = 0; i < 29 + 2 + 1; i++) {
      const found = sampler(inputFor(menu, { trials, random: seededRandom(`turn ${i}`) }));
      expect(found).not.toBeNull();
      const config = { ...base, [found?.knob as string]: found?.newValue as KnobValue };
      trials.push({ config, value: someValue(config), state: 'complete' });
    }
    expect(new Set(trials.map((trial) => configKey(trial.config))).size).toBe(trials.length);
    expect(sampler(inputFor(menu, { trials }))).toBeNull();
  });

  test('says null at once when the constraints leave nothing', () => {
    const menu = parseMenu({
      knobs: { a: { type: 'float', range: [0, 1], default: 0.5 }, b: { type: 'bool', default: false } },
      constraints: [{ id: 'only_default', rule: 'a == 0.5 && !b' }],
    });
    expect(sampler(inputFor(menu))).toBeNull();
  });

  test('knobs that only have their default are left alone', () => {
    const menu = parseMenu({ knobs: { a: { type: 'str', choices: ['only'], default: 'only' } } });
    expect(sampler(inputFor(menu))).toBeNull();
  });
});

describe.each(LEARNING)('%s learns', (name, sampler) => {
  const quadratic = parseMenu({
    knobs: {
      x: { type: 'float', range: [-5, 5], default: 4 },
      y: { type: 'float', range: [-5, 5], default: -4 },
      n: { type: 'int', range: [0, 40], default: 35 },
    },
  });
  const bowl = (config: Config) =>
    (Number(config['x']) - 1) ** 2 + (Number(config['y']) - 2) ** 2 + ((Number(config['n']) - 12) / 8) ** 2;

  test('the bottom of a quadratic', () => {
    const { base } = search(quadratic, sampler, bowl, 45);
    expect(bowl(base)).toBeLessThan(name === 'gp' ? 0.05 : 1.5);
  });

  test('the top, when the goal is to maximise', () => {
    const random = seededRandom('up');
    let base = defaultConfig(quadratic);
    const trials: Trial[] = [{ config: base, value: -bowl(base), state: 'complete' }];
    for (let i = 0; i < 45; i++) {
      const found = sampler(inputFor(quadratic, { base, trials, random, goal: 'maximize' }));
      const config = { ...base, [found?.knob as string]: found?.newValue as KnobValue };
      trials.push({ config, value: -bowl(config), state: 'complete' });
      if (-bowl(config) > -bowl(base)) base = config;
    }
    expect(bowl(base)).toBeLessThan(name === 'gp' ? 0.05 : 1.5);
  });

  test('a best value decades away on a log scale', () => {
    const menu = parseMenu({
      knobs: {
        lr: { type: 'float', range: [1e-6, 1], scale: 'log', default: 0.5 },
        other: { type: 'float', range: [0, 1], default: 0.5 },
      },
    });
    const { base } = search(menu, sampler, (config) => Math.log10(Number(config['lr']) / 2e-4) ** 2, 30);
    expect(Math.abs(Math.log10(Number(base['lr']) / 2e-4))).toBeLessThan(name === 'gp' ? 0.35 : 1.5);
  });

  test('the best categories', () => {
    const menu = parseMenu({
      knobs: {
        a: { type: 'str', choices: ['p', 'q', 'r', 's', 't'], default: 'p' },
        b: { type: 'bool', default: false },
        c: { type: 'str', choices: ['u', 'v', 'w'], default: 'u' },
      },
    });
    const cost = (config: Config) =>
      (config['a'] === 's' ? 0 : 1) + (config['b'] === true ? 0 : 0.5) + (config['c'] === 'w' ? 0 : 0.7);
    expect(search(menu, sampler, cost, 14).base).toEqual({ a: 's', b: true, c: 'w' });
  });

  test('to stay out of a region that fails', () => {
    const menu = parseMenu({
      knobs: {
        size: { type: 'int', range: [1, 100], default: 20 },
        x: { type: 'float', range: [0, 1], default: 0.5 },
        y: { type: 'float', range: [0, 1], default: 0.5 },
      },
    });
    // Larger is better until it does not fit: a naive search would press against the wall for ever.
    const { trials } = search(
      menu,
      sampler,
      (config) => (Number(config['size']) > 40 ? null : 100 - Number(config['size']) + Number(config['x'])),
      40,
    );
    const failed = trials.filter((trial) => trial.state === 'failed').length;
    expect(failed).toBeLessThanOrEqual(10);
    expect(
      Math.max(...trials.filter((trial) => trial.state === 'complete').map((trial) => Number(trial.config['size']))),
    ).toBeGreaterThan(name === 'gp' ? 33 : 25);
  });

  test('touches every knob before the deadline, whatever the values say', () => {
    const knobs = Object.fromEntries(
      Array.from({ length: 13 }, (_, i) => [
        `k${i}`,
        { type: 'float' as const, range: [0, 1] as [number, number], default: 0.5 },
      ]),
    );
    const menu = parseMenu({ knobs });
    const { trials } = search(
      menu,
      sampler,
      (config) => (Number(config['k0']) - 0.9) ** 2 + 0.001 * Number(config['k1']),
      coverageDeadline(13),
      'cover',
    );
    const touched = Object.keys(knobs).filter((knob) => trials.some((trial) => trial.config[knob] !== 0.5));
    expect(coverageDeadline(13)).toBe(30);
    expect(touched).toHaveLength(13);
  });
});

test('parallel boxes get different points, also in different places', () => {
  const { trials, base } = search(mixed, gpSampler, someValue, 12);
  const all = [...trials];
  const random = seededRandom('boxes');
  const given: string[] = [];
  for (let box = 0; box < 6; box++) {
    const found = gpSampler(inputFor(mixed, { base, trials: all, random }));
    const config = { ...base, [found?.knob as string]: found?.newValue as KnobValue };
    given.push(`${found?.knob}=${String(found?.newValue)}`);
    all.push({ config, value: null, state: 'pending' });
  }
  expect(new Set(given).size).toBe(6);
  expect(new Set(given.map((one) => one.split('=')[0])).size).toBeGreaterThan(1);
});

test('hundreds of trials, one of them absurd, still give a finite suggestion', () => {
  const { trials, base } = search(mixed, randomSampler, someValue, 300);
  const [first, ...rest] = trials as [Trial, ...Trial[]];
  const found = gpSampler(inputFor(mixed, { base, trials: [{ ...first, value: 1e12 }, ...rest] }));
  expect(
    found?.belief.knobs.every((knob) => Number.isFinite(knob.best?.expected) && Number.isFinite(knob.best?.sd)),
  ).toBe(true);
});

test('trials that all measured the same give a suggestion and no division by zero', () => {
  const { trials } = search(mixed, randomSampler, () => 7, 10);
  const belief = describeBelief(inputFor(mixed, { trials }));
  expect(belief.baseExpected).toBeCloseTo(7, 6);
  expect(gpSampler(inputFor(mixed, { trials }))).not.toBeNull();
});

test('the belief names the knob that matters, the values never tried and what would fail', () => {
  const menu = parseMenu({
    knobs: {
      strong: { type: 'float', range: [0, 1], default: 0.5 },
      weak: { type: 'float', range: [0, 1], default: 0.5 },
      huge: { type: 'int', range: [1, 100], default: 10 },
      never: { type: 'bool', default: false },
    },
  });
  const base = defaultConfig(menu);
  const at = (more: Config): Config => ({ ...base, ...more });
  const measured = (config: Config): Trial => ({
    config,
    state: 'complete',
    value: 10 * (Number(config['strong']) - 0.2) ** 2 + 0.05 * Number(config['weak']),
  });
  const trials: Trial[] = [
    base,
    at({ strong: 0.1 }),
    at({ strong: 0.8 }),
    at({ strong: 0.3 }),
    at({ weak: 0.1 }),
    at({ weak: 0.9 }),
    at({ huge: 20 }),
  ].map(measured);
  trials.push({ config: at({ huge: 90 }), value: null, state: 'failed', failure: 'oom' });
  const belief = describeBelief(inputFor(menu, { trials, noiseSd: 0.01 }));
  expect(belief.knobs[0]?.knob).toBe('strong');
  expect(belief.knobs[0]?.best?.value).toBeLessThan(0.4);
  expect(belief.knobs.reduce((sum, knob) => sum + (knob.importance ?? 0), 0)).toBeCloseTo(1);
  expect(belief.feasibility.failures).toEqual({ oom: 1 });
  expect(belief.feasibility.risky[0]?.knob).toBe('huge');
  expect(belief.summary.join('\n')).toContain('never changed: never');
  expect(belief.trials).toEqual({ complete: 7, failed: 1, pending: 0, censored: 0 });
});

test('under loud noise the first suggestions go to different knobs', () => {
  const menu = parseMenu({
    knobs: Object.fromEntries(
      Array.from({ length: 15 }, (_, i) => [`k${i}`, { type: 'float', range: [0, 1], default: 0.4 }]),
    ),
  });
  for (const seed of ['a', 'b', 'c']) {
    const noise = seededRandom(`noise ${seed}`);
    const base = defaultConfig(menu);
    // Every change does nothing or a little; two measurements of the base differ by 2%, as byte-lm's do.
    const measure = (): number => 4 + 0.08 * noise.normal();
    const trials: Trial[] = [{ config: base, value: (measure() + measure()) / 2, n: 2, state: 'complete' }];
    const knobs = new Set<string>();
    for (let i = 0; i < 10; i++) {
      const found = gpSampler(inputFor(menu, { trials, noiseSd: 0.08, random: seededRandom(`${seed} ${i}`) }));
      knobs.add(found?.knob as string);
      trials.push({
        config: { ...base, [found?.knob as string]: found?.newValue as number },
        value: measure(),
        n: 1,
        state: 'complete',
      });
    }
    expect(knobs.size).toBeGreaterThanOrEqual(8);
  }
});

test('a mean of many measurements moves the belief more than a single one', () => {
  const menu = parseMenu({ knobs: { x: { type: 'float', range: [0, 1], default: 0.5 } } });
  const belief = (n: number) =>
    describeBelief(
      inputFor(menu, {
        noiseSd: 1,
        trials: [
          { config: { x: 0.5 }, value: 10, n: 3, state: 'complete' },
          { config: { x: 0.1 }, value: 11, n: 3, state: 'complete' },
          { config: { x: 0.9 }, value: 8, n, state: 'complete' },
        ],
      }),
    ).knobs[0]?.best;
  expect(belief(9)?.probabilityBetter).toBeGreaterThan(belief(1)?.probabilityBetter as number);
  expect(belief(9)?.sd).toBeLessThan(belief(1)?.sd as number);
});

test('the default sampler is one of the measured ones', () => {
  expect(LEARNING.map(([, sampler]) => sampler)).toContain(defaultSampler);
});
