import { expect, test } from 'vitest';
import { parseSpec, type SpecInput } from './spec.js';
import { specWarnings } from './spec-warnings.js';

const warningsOf = (part: Partial<SpecInput>) =>
  specWarnings(
    parseSpec({
      name: 'p',
      source: { path: '/p' },
      metric: { name: 'loss', goal: 'minimize' },
      job: { train: 'true' },
      menu: { knobs: { x: { type: 'int', range: [0, 9], default: 0 } } },
      stop: { iterations: 1 },
      ...part,
    }),
  );
const model = { baseUrl: 'http://127.0.0.1:1/v1', name: 'm' };

test('a hybrid without a model is told that its sampler proposes alone', () => {
  expect(warningsOf({ proposer: { kind: 'hybrid' } })).toEqual([expect.stringContaining('the sampler proposes alone')]);
  expect(warningsOf({ proposer: { kind: 'hybrid', model } })).toEqual([]);
  expect(warningsOf({})).toEqual([]);
});

test('early stopping by curves that edited code prints is told to be that', () => {
  const fidelity = { earlyStop: { metric: 'train_loss' } };
  expect(warningsOf({ edit: { files: ['train.py'] }, fidelity })).toEqual([
    expect.stringContaining('fidelity.earlyStop reads train_loss as training prints it'),
  ]);
  expect(warningsOf({ fidelity })).toEqual([]);
});

test('a limit on the cost of models without a price is told to be none', () => {
  const stop = { modelCostUsd: 5 };
  expect(warningsOf({ stop, proposer: { model } })).toEqual([expect.stringContaining('stop.modelCostUsd never holds')]);
  expect(warningsOf({ stop, proposer: { model: { ...model, outputUsdPerMillion: 1 } } })).toEqual([]);
});
