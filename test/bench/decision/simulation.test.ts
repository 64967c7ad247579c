import { describe, expect, it } from 'vitest';
import { simulateNaive, simulateRun, type Outcome, type Setting } from './simulate.js';

const night: Setting = {
  iterations: 50,
  noise: 0.0018,
  baselineReplicates: 3,
  maxReplicates: 3,
  minImprovement: 0.005,
  confidence: 0.9,
  isPlanned: true,
  truth: () => 0,
};
const demo: Setting = {
  ...night,
  iterations: 12,
  noise: 0.0075,
  baselineReplicates: 2,
  maxReplicates: 2,
  minImprovement: 0.003,
};

function runs(setting: Setting, seeds: number, rule = simulateRun): Outcome[] {
  return Array.from({ length: seeds }, (_, seed) => rule(seed + 1, setting));
}
const meanOf = (outcomes: Outcome[], of: (outcome: Outcome) => number) =>
  outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length;

describe('the decision rule over whole runs', () => {
  it.each([
    ['a quiet metric', night],
    ['a loud metric', { ...night, noise: 0.006 }],
    ['a metric far louder than the prior says', { ...night, noise: 0.05 }],
    ['no smallest improvement', { ...night, minImprovement: 0 }],
    ['a baseline measured once', { ...night, noise: 0.006, baselineReplicates: 1 }],
    ['one measurement a candidate', { ...night, noise: 0.006, maxReplicates: 1 }],
    ['no plan', { ...night, noise: 0.006, isPlanned: false }],
    ['the demo', demo],
  ])('stays within its budget of false keeps with nothing but noise: %s', (_, setting) => {
    const outcomes = runs(setting, 400);
    expect(meanOf(outcomes, ({ kept }) => kept.length)).toBeLessThanOrEqual(1 - setting.confidence);
    // Hopeless candidates cost next to nothing: few measurements beyond the one that each needs.
    expect(meanOf(outcomes, ({ extra }) => extra)).toBeLessThan(setting.iterations / 4);
  });

  it('keeps what the naive rule keeps by luck out', () => {
    const loud = { ...night, noise: 0.006 };
    expect(meanOf(runs(loud, 100, simulateNaive), ({ kept }) => kept.length)).toBeGreaterThan(1);
    expect(meanOf(runs(loud, 100), ({ kept }) => kept.length)).toBeLessThan(0.1);
  });

  it('keeps a true gain of 5% in the demo, after two measurements of it at most', () => {
    for (const [noise, least] of [
      [0.005, 0.99],
      [0.0075, 0.95],
      [0.01, 0.85],
    ] as const) {
      const gain = { ...demo, noise, truth: (iteration: number) => (iteration === 3 ? 0.05 : 0) };
      const outcomes = runs(gain, 300);
      expect(meanOf(outcomes, ({ kept }) => Number(kept.some(({ truth }) => truth > 0)))).toBeGreaterThan(least);
      expect(meanOf(outcomes, ({ extra }) => extra)).toBeLessThan(demo.iterations / 2);
    }
  });

  it('finds a true gain of 1% over the noise of a published night', () => {
    const outcomes = runs({ ...night, truth: (iteration) => (iteration === 20 ? 0.01 : 0) }, 200);
    expect(meanOf(outcomes, ({ kept }) => Number(kept.some(({ truth }) => truth > 0)))).toBeGreaterThan(0.9);
  });

  it('reports a best that is within one standard error of the truth on average', () => {
    const search = { ...night, truth: (_: number, source: { normal(): number }) => -0.01 + 0.01 * source.normal() };
    const outcomes = runs(search, 200);
    const inErrors = meanOf(
      outcomes,
      ({ claimed, claimedTruth, claimedError }) => Math.abs(claimed - claimedTruth) / (claimedError ?? Infinity),
    );
    expect(inErrors).toBeGreaterThan(0.3);
    expect(inErrors).toBeLessThan(1);
  });

  it('repeats exactly with the same seed', () => {
    expect(simulateRun(7, demo)).toEqual(simulateRun(7, demo));
    expect(simulateRun(7, demo)).not.toEqual(simulateRun(8, demo));
  });
});
