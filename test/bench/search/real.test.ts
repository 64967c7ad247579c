import { configKey } from '@nightshift/protocol';
import { gpSampler } from '@nightshift/control-plane/search/gp-sampler';
import { randomSampler } from '@nightshift/control-plane/search/random-sampler';
import { expect, test } from 'vitest';
import { amnesiacPolicy, hybridContender, samplerContender } from './contenders.js';
import { byteLm } from './objective-byte-lm.js';
import { gptSurrogate } from './objective-gpt.js';
import { prepare, type Work } from './objectives.js';
import { race } from './race.js';
import { realTable, worthOf } from './real-report.js';
import { realRace, type RealResult } from './real.js';
import { score } from './score.js';

const course = prepare(gptSurrogate);
const contenders = [
  samplerContender('random', randomSampler),
  samplerContender('gp', gpSampler),
  hybridContender('hybrid', gpSampler, amnesiacPolicy),
];
const silent = () => {};

test('side by side, contenders do what they do alone', () => {
  const results = realRace(course, contenders, { count: 30, seed: 4 }, silent);
  const alone = contenders.map((contender) => race(contender, course, 4, 30));
  expect(
    results.map(({ log }, i) => score(log, course, contenders[i]?.rule as (typeof contenders)[number]['rule'])),
  ).toEqual(alone);
});

test('every round measures each contender once, each time in another order', () => {
  const lines: string[] = [];
  realRace(course, contenders, { count: 9, seed: 4 }, (line) => lines.push(line));
  const order = lines.flatMap((line) => /^seed 4, (random|gp|hybrid):/.exec(line)?.[1] ?? []);
  expect(order).toHaveLength(3 * (3 + 9));
  const rounds = Array.from({ length: 12 }, (_, i) => order.slice(3 * i, 3 * i + 3));
  for (const round of rounds) expect(new Set(round).size).toBe(3);
  expect(new Set(rounds.map(([first]) => first)).size).toBe(3);
});

test('what several chose is trained anew once for all of them, with seeds that no race has', () => {
  const samples: [string, number, number][] = [];
  const flat: Work = {
    ...course,
    sample: (config, seed, nth) => {
      samples.push([configKey(config), seed, nth]);
      return { value: 10 + nth / 100 };
    },
  };
  const results = realRace(flat, contenders, { count: 5, seed: 0 }, silent);
  const base = configKey(course.base);
  expect(samples.filter(([, seed]) => seed < 0)).toEqual([0, 1, 2, 3, 4].map((nth) => [base, -1, nth]));
  expect(results.map((result) => worthOf(result, flat).fresh)).toEqual([null, null, null]);
  const table = realTable([...results, ...results.map((result) => ({ ...result, seed: 1 }))], flat);
  expect(table.match(/ 0, nothing kept /g)).toHaveLength(3 + 3 + 3);
});

test('the worth of a choice is taken round by round, and its claim is set against it', () => {
  const [result] = realRace(course, [contenders[1] as (typeof contenders)[number]], { count: 60, seed: 1 }, silent);
  const { fresh, claimed, apart } = worthOf(result as RealResult, course);
  const truth = course.measure(result?.log.chosen ?? {});
  const gain = 'value' in truth ? 1 - truth.value / course.baseValue : NaN;
  expect(gain).toBeGreaterThan(0.005);
  expect(fresh?.mean).toBeCloseTo(gain, 2);
  expect(claimed).toBeCloseTo(gain, 2);
  expect(Math.abs(apart as number)).toBeLessThan(3);

  // A machine that slows down between rounds slows both sides.
  const drifting = [1, 1.5, 2, 3, 4];
  const drifted: RealResult = {
    ...(result as RealResult),
    fresh: { baseline: drifting.map((by) => 10 * by), chosen: drifting.map((by, i) => (i === 2 ? null : 9 * by)) },
  };
  expect(worthOf(drifted, course).fresh?.mean).toBeCloseTo(0.1, 10);
  expect(worthOf(drifted, course).fresh?.half).toBeCloseTo(0, 10);
  const table = realTable([result as RealResult, { ...(result as RealResult), seed: 2 }], course).split('\n');
  expect(table).toHaveLength(2 + 2 + 1);
  expect(table.at(-1)).toMatch(/^\| all 2 \| gp \|/);
});

test('work whose defaults cannot be run ends the race with the reason, and a failed replicate is not asked for again and again', () => {
  const broken: Work = { ...course, sample: () => ({ failure: 'no disk' }) };
  expect(() => realRace(broken, contenders, { count: 5, seed: 0 }, silent)).toThrow(
    'the defaults of gpt-surrogate cannot be run: no disk',
  );
  const once: Work = {
    ...course,
    sample: (config, seed, nth) =>
      nth > 0 && configKey(config) !== configKey(course.base)
        ? { failure: 'cut off' }
        : course.sample(config, seed, nth),
  };
  const [result] = realRace(once, [contenders[1] as (typeof contenders)[number]], { count: 40, seed: 1 }, silent);
  expect(result?.log.distinct).toBeGreaterThan(15);
  expect(result?.log.groups.every(({ key, values }) => values.length <= 1 || key === configKey(course.base))).toBe(
    true,
  );
});

test('byte-lm trains within the budget that it is given and says what a training failed of', () => {
  const work = byteLm(0.5);
  expect(work).toMatchObject({ name: 'byte-lm', goal: 'minimize' });
  const measured = work.sample(work.base, 1, 0);
  expect('value' in measured && measured.value > 1 && measured.value < 8).toBe(true);
  expect(work.train({ ...work.base, width: 3 }, 1)).toEqual({
    failure: expect.stringMatching(/^train\.mjs ended with 1: train: .* unknown knob width$/),
  });
});
