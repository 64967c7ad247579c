import { expect, test } from 'vitest';
import type { Trajectory } from '@nightshift/protocol';
import { liveFigures } from './live-figures.js';
import { emptyLive } from './live.js';
import { noiseOf } from './noise.js';

test('a metric that repeats to the last digit has no noise, live or in a batch', () => {
  // Their sum divided by three is another number than 0.1.
  const values = [0.1, 0.1, 0.1];
  const trajectory: Trajectory = {
    metric: { name: 'loss', goal: 'minimize' },
    menu: null,
    baseline: { config: {}, values, value: 0.1 },
    records: [],
    warnings: [],
  };
  expect(noiseOf(trajectory)).toMatchObject({ sd: 0, relative: 0, degreesOfFreedom: 2 });
  expect(liveFigures(emptyLive(trajectory)).noise).toMatchObject({ sd: 0, relative: 0 });
});
