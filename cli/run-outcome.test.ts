import { describe, expect, it } from 'vitest';
import { runOutcome } from './run-outcome.js';
import { decision, iteration, run } from './testing/iteration.js';

const reverted = (effect: number) => iteration(1, { decision: { ...decision({ effect }) } });
const failed = (failure: 'crash' | 'metric_out_of_bounds' | 'diverged') =>
  iteration(1, { state: 'failed', failure, decision: null });
const blocked = iteration(1, { state: 'blocked', decision: null });

describe('runOutcome', () => {
  it.each([
    ['improved', 0, run(), [reverted(-0.1), iteration(2, { state: 'kept' })]],
    ['no_improvement', 10, run(), [reverted(-0.1), failed('crash')]],
    ['no_improvement', 10, run(), [failed('crash')]],
    ['inconclusive', 11, run(), [reverted(-0.1), iteration(2, { state: 'inconclusive' })]],
    ['regression', 12, run(), [failed('metric_out_of_bounds'), failed('diverged')]],
    ['blocked', 20, run(), [blocked, blocked]],
    ['infrastructure_failure', 30, run({ state: 'failed', endReason: 'infrastructure' }), []],
    ['baseline_failed', 30, run({ state: 'failed', endReason: 'baseline_failed' }), []],
    ['box_lost', 31, run({ state: 'failed', endReason: 'box_lost' }), [iteration(1, { state: 'kept' })]],
    ['budget_spent', 40, run({ endReason: 'wall' }), [iteration(1, { state: 'cancelled', decision: null })]],
    ['cancelled', 130, run({ state: 'stopped', endReason: 'stopped' }), [iteration(1, { state: 'kept' })]],
  ])('%s is %i', (outcome, exitCode, ended, iterations) => {
    expect(runOutcome(ended, iterations)).toMatchObject({ outcome, exitCode });
  });

  it('says why a baseline could not be measured', () => {
    const endDetail = "the baseline could not be measured: crash (python: can't open file train.py)";
    expect(runOutcome(run({ state: 'failed', endReason: 'baseline_failed', endDetail }), []).sentence).toBe(endDetail);
  });

  it('calls it a regression when even the best candidate is worse than the bound', () => {
    expect(runOutcome(run(), [reverted(-0.1), reverted(-0.06)], { maxRegression: 0.05 }).exitCode).toBe(12);
    expect(runOutcome(run(), [reverted(-0.1), reverted(-0.04)], { maxRegression: 0.05 }).exitCode).toBe(10);
  });
});
