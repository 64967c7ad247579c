import { describe, expect, it } from 'vitest';
import { parseMenu, type Config, type Trajectory, type TrajectoryRecord } from '@nightshift/protocol';
import { healthEvidence, judgeHealth } from './health.js';

const menu = parseMenu({
  knobs: Object.fromEntries(
    ['a', 'b', 'c', 'd'].map((name) => [
      name,
      { type: 'int' as const, range: [0, 1000] as [number, number], default: 0 },
    ]),
  ),
});

function record(
  iteration: number,
  change: Partial<TrajectoryRecord> & { knob?: string; value?: number },
): TrajectoryRecord {
  const { knob, value, ...rest } = change;
  const metric = rest.metric === undefined ? 1 + iteration / 1000 : rest.metric;
  return {
    iteration,
    outcome: 'reverted',
    proposer: 'sampler',
    proposal: { knob: knob ?? 'a', newValue: value ?? iteration, reason: '' },
    config: null,
    values: metric === null ? [] : [metric],
    metric,
    failure: null,
    rail: null,
    blocked: [],
    decision: null,
    wallSeconds: null,
    modelSeconds: null,
    energyWh: null,
    ...rest,
  };
}

function judge(records: TrajectoryRecord[], config: Config | null = null) {
  const trajectory: Trajectory = {
    metric: { name: 'loss', goal: 'minimize' },
    menu,
    baseline: { config, values: [1], value: 1 },
    records,
    warnings: [],
  };
  return judgeHealth(healthEvidence(trajectory));
}
const many = (n: number, make: (iteration: number) => TrajectoryRecord) =>
  Array.from({ length: n }, (_, i) => make(i + 1));

describe('the health of a run', () => {
  it('is exploring before there is anything to judge', () => {
    expect(judge([])).toEqual({ verdict: 'exploring', reasons: ['0 iterations evaluated: too early to say more'] });
    expect(judge(many(9, (i) => record(i, { value: 1 }))).verdict).toBe('exploring');
  });

  it('is exploring while new pairs on several knobs are tried', () => {
    const health = judge(many(12, (i) => record(i, { knob: 'abcd'[i % 4]! })));
    expect(health.verdict).toBe('exploring');
    expect(health.reasons[0]).toBe('12 of the last 12 evaluated iterations tried a new pair, on 4 knobs');
  });

  it('is exploiting when a new best is recent and proposals gather on two knobs', () => {
    const health = judge(
      many(20, (i) => record(i, { knob: i % 3 ? 'a' : 'b', metric: i === 16 ? 0.9 : 1 + i / 1000 })),
    );
    expect(health).toEqual({
      verdict: 'exploiting',
      reasons: ['iteration 16 set a new best 4 evaluated iterations ago', '10 of the last 10 proposals are on a and b'],
    });
  });

  it('is plateaued after fifteen evaluated iterations without a new best', () => {
    const rows = (n: number) =>
      many(n, (i) => record(i, { knob: 'abc'[i % 3]!, metric: i === 3 ? 0.9 : 1 + i / 1000 }));
    expect(judge(rows(17)).verdict).toBe('exploring');
    const health = judge(rows(18));
    expect(health.verdict).toBe('plateaued');
    expect(health.reasons).toEqual([
      '15 evaluated iterations without a new best; the best is still iteration 3',
      '1 of 4 knobs were never tried: d',
    ]);
  });

  it('is flailing when half of what it does was done before, or is the baseline', () => {
    expect(judge(many(20, (i) => record(i, { value: i % 10 || 10 }))).verdict).toBe('flailing');
    expect(judge(many(20, (i) => record(i, { value: i <= 11 ? i : i - 11 }))).verdict).not.toBe('flailing');
    expect(judge(many(12, (i) => record(i, { knob: 'abcd'[i % 4]!, value: i % 2 ? 0 : i }))).verdict).toBe('flailing');
  });

  it('does not blame replicates that the playbook asked for', () => {
    const rows = many(20, (i) => record(i, { value: i <= 10 ? i : 3, proposer: i <= 10 ? 'sampler' : 'playbook' }));
    expect(judge(rows).verdict).not.toBe('flailing');
  });

  it('does not take the same change of another incumbent for a repeat, nor the way back to a default for a no-op', () => {
    const onIncumbent = (i: number) =>
      record(i, { knob: 'a', value: i % 2, config: { a: i % 2, b: Math.floor(i / 2) + 1, c: 0, d: 0 } });
    const baseline = { a: 0, b: 0, c: 0, d: 0 };
    expect(judge(many(20, onIncumbent), baseline).verdict).not.toBe('flailing');
    expect(
      judge(
        many(20, (i) => record(i, { knob: 'a', value: i % 2, config: { a: i % 2, b: 0, c: 0, d: 0 } })),
        baseline,
      ).verdict,
    ).toBe('flailing');
  });

  it('is blind when nothing gets measured, and says why', () => {
    const failed = (i: number) => record(i, { outcome: 'failed', metric: null, failure: 'oom' });
    const blocked = (i: number) => record(i, { outcome: 'blocked', metric: null, rail: 'range' });
    expect(judge([failed(1)])).toEqual({ verdict: 'blind', reasons: ['none of 1 iteration was measured: 1× oom'] });
    const health = judge(many(20, (i) => (i > 13 ? (i % 2 ? failed(i) : blocked(i)) : record(i, {}))));
    expect(health.verdict).toBe('blind');
    expect(health.reasons[0]).toBe(
      '7 of the last 10 iterations gave no measurement (iterations 14, 15, 16, 17, 18, 19, 20): 4× blocked by range, 3× oom',
    );
  });

  it('is blind when the metric never moves, whatever is changed', () => {
    expect(judge(many(5, (i) => record(i, { metric: 0.5 }))).verdict).toBe('blind');
    expect(judge(many(5, (i) => record(i, { metric: 0.5, value: 7 }))).verdict).toBe('exploring');
  });
});
