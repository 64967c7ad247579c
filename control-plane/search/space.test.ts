import { parseMenu } from '@nightshift/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Axis, spaceOf, valueAt } from './space.js';

const menu = parseMenu({
  knobs: {
    lr: { type: 'float', range: [1e-5, 1e-2], default: 3e-4 },
    decay: { type: 'float', range: [0, 0.5], default: 0 },
    beta: { type: 'float', range: [0.99, 0.9999], default: 0.999 },
    depth: { type: 'int', range: [4, 48], default: 24 },
    width: { type: 'int', choices: [256, 512, 1024, 2048], default: 512 },
    optimizer: { type: 'str', choices: ['sgd', 'adamw'], default: 'adamw' },
    tied: { type: 'bool', default: true },
  },
});
const space = spaceOf(menu);
const axis = (name: string) => space.axes.find((one) => one.name === name) as Axis;

test('a log range is spread by decades', () => {
  expect(axis('lr').position(1e-5)).toBe(0);
  expect(axis('lr').position(1e-4)).toBeCloseTo(1 / 3);
  expect(axis('lr').position(1e-2)).toBe(1);
  expect(valueAt(axis('lr'), 2 / 3)).toBe(0.001);
});

test('numeric choices over a factor of four are spread by logarithm', () => {
  expect([256, 512, 1024, 2048].map((value) => axis('width').position(value))).toEqual(
    [0, 1 / 3, 2 / 3, 1].map((value) => expect.closeTo(value, 9)),
  );
});

test('text and booleans are categories: equal or one apart', () => {
  for (const name of ['optimizer', 'tied']) {
    expect(axis(name).isCategory).toBe(true);
    expect(axis(name).distance2(0, 0)).toBe(0);
    expect(axis(name).distance2(0, 1)).toBe(1);
  }
});

test('any position gives a legal value close to it, whole for an int', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('lr', 'decay', 'beta', 'depth'),
      fc.double({ min: -0.5, max: 1.5, noNaN: true }),
      (name, position) => {
        const value = valueAt(axis(name), position);
        const [low, high] = axis(name).knob.range as [number, number];
        expect(value).toBeGreaterThanOrEqual(low);
        expect(value).toBeLessThanOrEqual(high);
        const wanted = Math.min(1, Math.max(0, position));
        if (name === 'depth') expect(Number.isInteger(value)).toBe(true);
        else expect(Math.abs(axis(name).position(value) - wanted)).toBeLessThanOrEqual(0.002);
      },
    ),
  );
});

test('values have few digits where few are enough', () => {
  expect(String(valueAt(axis('lr'), 0.637)).length).toBeLessThanOrEqual(8);
  expect(valueAt(axis('decay'), 0.25)).toBe(0.125);
});
