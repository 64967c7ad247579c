import { describe, expect, it } from 'vitest';
import { classifyPhase, type EndedPhase } from './classify.js';

const ended = (part: Partial<EndedPhase>, result: Partial<EndedPhase['result']> = {}): EndedPhase => ({
  result: {
    phase: 'train',
    exitCode: 130,
    signal: null,
    durationMs: 3000,
    clock: 'budget',
    stoppedBy: ['INT'],
    ...result,
  } as EndedPhase['result'],
  stoppedFor: null,
  metric: undefined,
  tail: '',
  isDiskShort: false,
  isKernelOom: false,
  metricName: 'val_loss',
  budgetMs: 3000,
  limitMs: 9000,
  ...part,
});

describe('a training that runs until the budget ends it', () => {
  it('is a timeout, and well where it ends well after INT', () => {
    expect(classifyPhase(ended({}))).toEqual({
      reason: 'timeout',
      detail: 'the budget of 3 s ran out and training did not end well after INT (exited with code 130)',
    });
    expect(classifyPhase(ended({}, { exitCode: 0 }))).toBeNull();
  });

  it.each([[{}], [{ exitCode: null, signal: 'SIGKILL', stoppedBy: ['INT', 'TERM', 'KILL'] } as const]])(
    'is told how it is measured when it had reported the metric all the time: %j',
    (result) =>
      expect(classifyPhase(ended({ metric: 2.5 }, result as Partial<EndedPhase['result']>))?.detail).toMatch(
        /it had reported val_loss: a script that ends by itself within NIGHTSHIFT_BUDGET_SECONDS is measured$/,
      ),
  );
});
