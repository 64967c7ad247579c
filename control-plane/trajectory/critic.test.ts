import type { Trajectory, TrajectoryRecord } from '@nightshift/protocol';
import { expect, test } from 'vitest';
import { analyze } from './analyze.js';
import { readTrajectory } from './read-trajectory.js';
import { reportText } from './report-text.js';
import { writeTrajectory } from './write-trajectory.js';

function record(iteration: number, outcome: 'kept' | 'reverted', critique?: TrajectoryRecord['critique']) {
  return {
    iteration,
    outcome,
    proposer: 'model',
    proposal: { knob: 'lr', newValue: iteration / 10, reason: '' },
    config: { lr: iteration / 10 },
    values: [1 - iteration / 100],
    metric: 1 - iteration / 100,
    failure: null,
    rail: null,
    blocked: [],
    decision: null,
    ...(critique === undefined ? {} : { critique }),
    wallSeconds: null,
    modelSeconds: null,
    energyWh: null,
  } satisfies TrajectoryRecord;
}
const trajectory: Trajectory = {
  metric: { name: 'loss', goal: 'minimize' },
  menu: null,
  baseline: { config: { lr: 0 }, values: [1], value: 1 },
  records: [
    record(1, 'reverted', { veto: true, isOverruled: true }),
    record(2, 'kept', { veto: true, isOverruled: true }),
    record(3, 'kept', { veto: false, isOverruled: false }),
    record(4, 'reverted', { veto: false, isOverruled: false }),
    record(5, 'kept'),
  ],
  vetoes: 8,
  warnings: [],
};

test('the critic is scored by what was measured in spite of it, and the report says so', () => {
  const { critic } = analyze(trajectory);
  expect(critic).toEqual({ vetoes: 8, overruled: 2, overruledKept: 1, passed: 2, passedKept: 1 });
  expect(reportText(trajectory, analyze(trajectory)).replace(/\s+/g, ' ')).toContain(
    '8 vetoes, 2 measured all the same, of which 1 kept: what it would have lost; of 2 that it let pass 1 kept',
  );
  expect(readTrajectory(writeTrajectory(trajectory))).toMatchObject({
    vetoes: 8,
    records: trajectory.records,
  });
});

test('a run without a critic has no score of one', () => {
  const { vetoes: _vetoes, ...without } = trajectory;
  expect(analyze({ ...without, records: [record(1, 'kept')] }).critic).toBeNull();
});
