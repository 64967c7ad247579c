import { parseMenu, type Config } from '@nightshift/protocol';
import { expect, test } from 'vitest';
import { cholesky, inverseFromFactor, solveLower, solveUpper } from './cholesky.js';
import { fitHyper, posterior, priorHyper } from './gaussian-process.js';
import { expectedImprovement, normalCdf } from './normal.js';
import { seededRandom } from './random.js';
import { spaceOf } from './space.js';

const menu = parseMenu({
  knobs: {
    x: { type: 'float', range: [0, 1], default: 0 },
    y: { type: 'float', range: [0, 1], default: 0 },
    kind: { type: 'str', choices: ['a', 'b'], default: 'a' },
  },
});
const space = spaceOf(menu);
const truth = (config: Config) => Math.sin(3 * Number(config['x'])) + (config['kind'] === 'b' ? 0.5 : 0);

function sample(count: number, noise: number) {
  const random = seededRandom('gp');
  const configs = Array.from({ length: count }, (): Config => ({
    x: random.uniform(),
    y: random.uniform(),
    kind: random.choice(['a', 'b']),
  }));
  return {
    x: configs.map((config) => space.encode(config)),
    y: Float64Array.from(configs, (config) => truth(config) + noise * random.normal()),
    spread: new Float64Array(count).fill(1),
  };
}

test('the factor solves and inverts a known matrix', () => {
  const matrix = [4, 2, 0.6, 2, 5, 1, 0.6, 1, 3];
  const factor = cholesky(Float64Array.from(matrix), 3);
  const solution = solveUpper(factor, 3, solveLower(factor, 3, Float64Array.from([1, 2, 3])));
  for (let i = 0; i < 3; i++) {
    const row = [0, 1, 2].reduce((sum, j) => sum + (matrix[3 * i + j] as number) * (solution[j] as number), 0);
    expect(row).toBeCloseTo(i + 1, 10);
  }
  const inverse = inverseFromFactor(factor, 3);
  const identity = [0, 1, 2].reduce((sum, j) => sum + (matrix[6 + j] as number) * (inverse[6 + j] as number), 0);
  expect(identity).toBeCloseTo(1, 10);
});

test('predicts a smooth function better than its mean, and knows where it knows', () => {
  const data = sample(40, 0.02);
  const process = posterior(space.axes, data, [], fitHyper(space.axes, data, null));
  const held: Config[] = [0.15, 0.4, 0.65, 0.9].flatMap((x) => ['a', 'b'].map((kind) => ({ x, y: 0.5, kind })));
  for (const config of held) expect(Math.abs(process.at(space.encode(config)).mean - truth(config))).toBeLessThan(0.12);
  const far = posterior(
    space.axes,
    { x: data.x.slice(0, 1), y: data.y.slice(0, 1), spread: data.spread.slice(0, 1) },
    [],
    priorHyper(space.axes, null),
  );
  expect(far.at(data.x[0] as Float64Array).variance).toBeLessThan(far.at(Float64Array.from([1, 1, 1])).variance);
});

test('the fit finds which knob matters and how noisy a measurement is', () => {
  const hyper = fitHyper(space.axes, sample(60, 0.1), null);
  expect(hyper.lengths[1]).toBeGreaterThan(1.5 * (hyper.lengths[0] as number));
  expect(Math.sqrt(hyper.noise)).toBeGreaterThan(0.06);
  expect(Math.sqrt(hyper.noise)).toBeLessThan(0.16);
});

test('a change of one knob predicts what the whole configuration does', () => {
  const data = sample(20, 0.05);
  const process = posterior(space.axes, data, [], priorHyper(space.axes, null));
  const base = Float64Array.from([0.3, 0.6, 0]);
  const step = process.oneChange(base);
  for (const [axis, position] of [
    [0, 0.9],
    [1, 0.05],
    [2, 1],
  ] as const) {
    const moved = Float64Array.from(base);
    moved[axis] = position;
    expect(step(axis, position).mean).toBeCloseTo(process.at(moved).mean, 9);
    expect(step(axis, position).variance).toBeCloseTo(process.at(moved).variance, 9);
  }
});

test('a pending point leaves the mean and lowers the variance', () => {
  const data = sample(12, 0.05);
  const hyper = priorHyper(space.axes, null);
  const waiting = Float64Array.from([0.5, 0.5, 0]);
  const alone = posterior(space.axes, data, [], hyper).at(waiting);
  const together = posterior(space.axes, data, [waiting], hyper).at(waiting);
  expect(together.mean).toBeCloseTo(alone.mean, 9);
  expect(together.variance).toBeLessThan(alone.variance / 2);
});

test('the normal distribution and expected improvement have their known values', () => {
  expect(normalCdf(0)).toBeCloseTo(0.5, 6);
  expect(normalCdf(1.959964)).toBeCloseTo(0.975, 6);
  expect(normalCdf(-1)).toBeCloseTo(0.158655, 6);
  expect(expectedImprovement(0, 0, 1)).toBeCloseTo(0.398942, 5);
  expect(expectedImprovement(0, -2, 0)).toBe(2);
  expect(expectedImprovement(0, 5, 0.1)).toBeCloseTo(0, 9);
});
