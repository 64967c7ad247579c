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
