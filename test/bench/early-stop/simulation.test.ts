import { describe, expect, test } from 'vitest';
import { simulateNight, type Outcome, type Rule } from './simulate.js';
import { WORLDS, type World } from './worlds.js';

const SEEDS = 6;
const ENVELOPE: Rule = { kind: 'ours', rule: 'envelope', after: 0.3 };
const nights = (world: World, rule: Rule): Outcome[] =>
  Array.from({ length: SEEDS }, (_, seed) => simulateNight(world, rule, seed + 1, 30));
const total = (outcomes: Outcome[], key: keyof Outcome) => outcomes.reduce((sum, outcome) => sum + outcome[key], 0);

describe.each(WORLDS.map((world) => [world.name, world] as const))('early stopping, curves: %s', (_name, world) => {
  test('saves GPU time and hardly ever stops what is better', () => {
    const full = nights(world, { kind: 'none' });
    const early = nights(world, ENVELOPE);
    expect(total(early, 'gpuSeconds')).toBeLessThan(0.97 * total(full, 'gpuSeconds'));
    expect(total(early, 'wronglyStopped')).toBeLessThanOrEqual(0.1 * total(early, 'better'));
    expect(total(early, 'quality') / SEEDS).toBeLessThan(total(full, 'quality') / SEEDS + 0.005);
  });
});

test('the same seed gives the same night', () => {
  const world = WORLDS[1]!;
  expect(simulateNight(world, ENVELOPE, 7, 30)).toEqual(simulateNight(world, ENVELOPE, 7, 30));
});

test('the naive rule stops most of what is better, so that the simulation can tell rules apart', () => {
  const naive = nights(WORLDS[1]!, { kind: 'naive', after: 0.3 });
  expect(total(naive, 'wronglyStopped')).toBeGreaterThan(0.5 * total(naive, 'better'));
});

const SCREENING: Rule = { kind: 'none', screen: { share: 0.2, after: 5, margin: 0 } };

describe('screening at a fifth of the budget', () => {
  test('saves GPU time where the cheap budget tells the truth, and loses nothing', () => {
    const full = nights(WORLDS[0]!, { kind: 'none' });
    const screened = nights(WORLDS[0]!, SCREENING);
    expect(total(screened, 'gpuSeconds')).toBeLessThan(0.9 * total(full, 'gpuSeconds'));
    expect(total(screened, 'quality')).toBeLessThanOrEqual(total(full, 'quality') + 1e-9);
    expect(total(screened, 'wronglyScreenedOut')).toBe(0);
    expect(total(screened, 'turnedOff')).toBe(0);
  });

  test('turns itself off where the cheap budget misleads, and has cost little until then', () => {
    const full = nights(WORLDS[2]!, { kind: 'none' });
    const screened = nights(WORLDS[2]!, SCREENING);
    expect(total(screened, 'turnedOff')).toBe(SEEDS);
    expect(total(screened, 'gpuSeconds')).toBeLessThan(1.1 * total(full, 'gpuSeconds'));
    expect(total(screened, 'wronglyScreenedOut')).toBeLessThanOrEqual(0.1 * total(screened, 'better'));
  });

  test('by whatever looks worse there gives up most of what is better, so that the simulation can tell rules apart', () => {
    const naive = nights(WORLDS[2]!, { kind: 'none', screen: { share: 0.2, after: 0, margin: 0, isNaive: true } });
    expect(total(naive, 'wronglyScreenedOut')).toBeGreaterThan(0.5 * total(naive, 'better'));
  });
});
