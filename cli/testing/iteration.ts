import type { Decision } from '@nightshift/protocol';
import type { Iteration, Run } from '../client.js';

/** An iteration as the API gives it, for tests. */
export function iteration(number: number, part: Partial<Iteration> = {}): Iteration {
  return {
    id: `itr_${number}`,
    number,
    state: 'reverted',
    proposer: 'sampler',
    proposal: { knob: 'lr', newValue: 0.01, reason: 'because' },
    config: { lr: 0.01 },
    standsOn: null,
    repeatOf: null,
    patch: null,
    measurement: null,
    repairs: 0,
    critique: null,
    metric: 1.5,
    decision: decision() as unknown as Record<string, unknown>,
    screening: null,
    failure: null,
    failureDetail: null,
    blocked: [],
    outweighed: [],
    createdAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:01:00.000Z',
    ...part,
  };
}

export function decision(part: Partial<Decision> = {}): Decision {
  return {
    outcome: 'revert',
    comparator: 'incumbent',
    comparatorMean: 1.4,
    comparatorN: 3,
    candidateMean: 1.5,
    candidateN: 1,
    effect: -0.0714,
    standardError: 0.012,
    noiseSd: 0.01,
    degreesOfFreedom: 4,
    probability: 0.001,
    reason: 'worse',
    ...part,
  };
}

/** A run as the API gives it, for tests. */
export function run(part: Partial<Run> = {}): Run {
  return {
    id: 'run_00000000000000000000000000',
    project: 'toy',
    state: 'completed',
    endReason: 'iterations',
    endDetail: '2 of 2 iterations are done',
    isStopping: false,
    waiting: null,
    warnings: [],
    screeningOff: null,
    metric: { name: 'loss', goal: 'minimize' },
    baselineConfig: { lr: 0.003 },
    incumbent: { config: { lr: 0.003 }, iteration: null },
    live: null,
    spec: { decision: { compare: 'incumbent' } },
    createdAt: '2026-01-01T00:00:00.000Z',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:05:00.000Z',
    ...part,
  } as Run;
}
