import { expect, test } from 'vitest';
import type { Spec, TrajectoryRecord } from '@nightshift/protocol';
import { ladderStep, modelOnStep } from './ladder.js';

const model = (name: string) => ({ name }) as Spec['proposer']['model'];
const spec = {
  model: model('small'),
  ladder: { after: 3, models: [model('medium'), model('large')] },
} as Spec['proposer'];
const records = (outcomes: string) =>
  [...outcomes].map(
    (o, i) =>
      ({
        iteration: i + 1,
        outcome: o === 'k' ? 'kept' : 'reverted',
        metric: o === 'x' ? null : 1,
      }) as TrajectoryRecord,
  );

test('goes up after so many measured iterations without a keep, one step at a time, and not beyond the top', () => {
  expect(ladderStep(spec, 0, 0, records('rr'))).toBe(0);
  expect(ladderStep(spec, 0, 0, records('rrr'))).toBe(1);
  expect(ladderStep(spec, 1, 3, records('rrrrr'))).toBe(1);
  expect(ladderStep(spec, 1, 3, records('rrrrrr'))).toBe(2);
  expect(ladderStep(spec, 2, 6, records('rrrrrrrrrrrr'))).toBe(2);
});

test('counts from the last keep, and measured iterations only', () => {
  expect(ladderStep(spec, 0, 0, records('rrkrr'))).toBe(0);
  expect(ladderStep(spec, 0, 0, records('rxxrx'))).toBe(0);
  expect(ladderStep(spec, 0, 0, records('krxrr'))).toBe(1);
});

test('names the model of a step, and stays at the spec’s without a ladder', () => {
  expect([0, 1, 2].map((step) => modelOnStep(spec, step)?.name)).toEqual(['small', 'medium', 'large']);
  expect(ladderStep({ ...spec, ladder: null }, 0, 0, records('rrrrrrrr'))).toBe(0);
});
