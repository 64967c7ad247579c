import { parseMenu, type Config } from '@nightshift/protocol';
import type { Measurement, Objective } from './objectives.js';

const square = (x: number) => x * x;

function branin(x1: number, x2: number): number {
  const b = 5.1 / (4 * Math.PI * Math.PI);
  return square(x2 - b * x1 * x1 + (5 / Math.PI) * x1 - 6) + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x1) + 10;
}

/** Branin (Dixon and Szegő 1978) with a category that shifts it, a switch, a knob over three decades and a whole number. */
export const braninMixed: Objective = {
  name: 'branin-mixed',
  goal: 'minimize',
  relativeNoise: 0.0018,
  menu: parseMenu({
    knobs: {
      x1: { type: 'float', range: [-5, 10], default: 6 },
      x2: { type: 'float', range: [0, 15], default: 11 },
      shape: { type: 'str', choices: ['plain', 'shifted', 'tilted', 'flat'], default: 'tilted' },
      gain: { type: 'float', range: [0.01, 10], scale: 'log', default: 0.05 },
      is_warm: { type: 'bool', default: false },
      rounds: { type: 'int', range: [1, 20], default: 4 },
    },
  }),
  measure(config: Config): Measurement {
    const [x1, x2, gain, rounds] = ['x1', 'x2', 'gain', 'rounds'].map((name) => Number(config[name])) as [
      number,
      number,
      number,
      number,
    ];
    const shape = config['shape'];
    const surface =
      shape === 'plain'
        ? branin(x1, x2) + 4
        : shape === 'shifted'
          ? branin(x1 + 2, x2 - 1)
          : shape === 'tilted'
            ? branin(x1, x2) + 8 + x2 / 3
            : 40;
    if (gain > 6 && config['is_warm'] === false) return { failure: 'diverged' };
    const best = config['is_warm'] === true ? 0.8 : 0.25;
    return {
      value:
        100 +
        Math.min(surface, 150) / 5 +
        1.2 * square(Math.log(gain / best)) +
        (config['is_warm'] === true ? 0 : 1.5) +
        0.05 * square(rounds - 13),
    };
  },
};

/** Ackley (1987) in six numbers, two of them whole, with a category that sets its scale and a constraint across knobs. */
export const ackleyMixed: Objective = {
  name: 'ackley-mixed',
  goal: 'minimize',
  relativeNoise: 0.0018,
  menu: parseMenu({
    knobs: {
      a: { type: 'float', range: [-4, 6], default: 3.1 },
      b: { type: 'float', range: [-6, 4], default: 2.2 },
      c: { type: 'float', range: [-5, 5], default: -3.4 },
      d: { type: 'float', range: [-3, 7], default: 4.5 },
      e: { type: 'int', range: [-12, 20], default: 14 },
      f: { type: 'int', range: [-20, 12], default: -9 },
      kernel: { type: 'str', choices: ['narrow', 'wide', 'skew'], default: 'skew' },
      order: { type: 'int', choices: [1, 2, 4, 8, 16, 32], default: 32 },
    },
    constraints: [
      { id: 'sum_is_bounded', rule: 'a + b <= 6.0' },
      { id: 'order_needs_room', rule: 'order <= 16 || e >= -4' },
    ],
  }),
  measure(config: Config): Measurement {
    const x = ['a', 'b', 'c', 'd'].map((name) => Number(config[name]));
    x.push(Number(config['e']) / 3, Number(config['f']) / 3);
    const stretch = config['kernel'] === 'narrow' ? 1.3 : config['kernel'] === 'wide' ? 0.7 : 1;
    const lean = config['kernel'] === 'skew' ? 0.8 : 0;
    const z = x.map((value, i) => stretch * (value + (i % 2 === 0 ? lean : -lean)));
    const rms = Math.sqrt(z.reduce((sum, value) => sum + value * value, 0) / z.length);
    const ripple = z.reduce((sum, value) => sum + Math.cos(2 * Math.PI * value), 0) / z.length;
    const ackley = 20 - 20 * Math.exp(-0.2 * rms) + 0.35 * (Math.E - Math.exp(ripple));
    if (rms > 6.5) return { failure: 'timeout' };
    return {
      value:
        50 +
        ackley +
        0.4 * square(Math.log2(Number(config['order']) / 4)) +
        (config['kernel'] === 'skew' ? 1 : config['kernel'] === 'narrow' ? 0.6 : 0),
    };
  },
};

const HARTMANN_ALPHA = [1, 1.2, 3, 3.2];
const HARTMANN_A = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const HARTMANN_P = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
];

/** Hartmann's function in six dimensions (Dixon and Szegő 1978), to be maximised, two of its coordinates in steps, and two categories. */
export const hartmannMixed: Objective = {
  name: 'hartmann6-mixed',
  goal: 'maximize',
  relativeNoise: 0.0018,
  menu: parseMenu({
    knobs: {
      x1: { type: 'float', range: [0, 1], default: 0.55 },
      x2: { type: 'float', range: [0, 1], default: 0.5 },
      x3: { type: 'float', range: [0, 1], default: 0.75 },
      x4: { type: 'float', range: [0, 1], default: 0.6 },
      x5: { type: 'float', choices: [0, 0.15, 0.3, 0.45, 0.6, 0.8, 1], default: 0.6 },
      x6: { type: 'int', range: [0, 12], default: 4 },
      branch: { type: 'str', choices: ['red', 'green', 'blue'], default: 'red' },
      is_sharp: { type: 'bool', default: true },
    },
  }),
  measure(config: Config): Measurement {
    const x = ['x1', 'x2', 'x3', 'x4', 'x5'].map((name) => Number(config[name]));
    x.push(Number(config['x6']) / 12);
    let sum = 0;
    HARTMANN_ALPHA.forEach((alpha, i) => {
      const distance = x.reduce(
        (total, value, j) => total + (HARTMANN_A[i]?.[j] ?? 0) * square(value - (HARTMANN_P[i]?.[j] ?? 0)),
        0,
      );
      sum += alpha * Math.exp(-distance);
    });
    const branch = config['branch'] === 'red' ? 0.8 : config['branch'] === 'green' ? 1 : 0.9;
    return { value: 10 + sum * branch * (config['is_sharp'] === true ? 0.85 : 1) };
  },
};
