import type { CurvePoint } from '@nightshift/control-plane/decision/early-stop';
import { normalSource } from '../decision/random.js';

/** A candidate as a change of the incumbent: what it truly ends at, as a ratio, and the shape of its curve. */
export interface Candidate {
  ratio: number;
  shape: Shape;
}
/** v(s) = end · (1 + height · ((s + lead)^-power − (1 + lead)^-power)) at share s of the budget: a power law that ends at `end`. */
export interface Shape {
  height: number;
  power: number;
}
const LEAD = 0.02;

export interface World {
  name: string;
  /** What the change does to the curve's shape, given how good the candidate is. */
  shape(ratio: number, normal: () => number): Shape;
}

const plain: Shape = { height: 0.15, power: 0.7 };
/** How early a curve falls says nothing about where it ends (crossing), little (parallel), or the contrary (slow starters). */
export const WORLDS: World[] = [
  { name: 'parallel', shape: () => plain },
  {
    name: 'crossing',
    shape: (_ratio, normal) => ({
      height: plain.height * Math.exp(0.3 * normal()),
      power: plain.power * Math.exp(0.15 * normal()),
    }),
  },
  {
    name: 'slow starters win',
    shape: (ratio, normal) => ({
      height: plain.height * Math.exp(0.2 * normal() + Math.min(1, Math.max(-1, (1 - ratio) * 30))),
      power: plain.power,
    }),
  },
];

/** For screening only: what is still to fall differs a little between candidates. */
export const NEARLY_PARALLEL: World = {
  name: 'nearly parallel',
  shape: (_ratio, normal) => ({ height: plain.height * Math.exp(0.05 * normal()), power: plain.power }),
};

/** One candidate in two is far worse (up to a fifth), the others are within a few percent of the incumbent. */
export function drawCandidates(world: World, seed: number, count: number): Candidate[] {
  const { uniform, normal } = normalSource(seed);
  return Array.from({ length: count }, () => {
    const ratio = uniform() < 0.5 ? 1 + 0.2 * uniform() : 1.005 + 0.01 * normal();
    return { ratio, shape: world.shape(ratio, normal) };
  });
}

export const BUDGET_SECONDS = 300;
const POINTS = 60;
/** Noise of a whole measurement, and of one point of its curve around it. */
export const RUN_NOISE = 0.0018;
const POINT_NOISE = 0.01;

export interface Measurement {
  metric: number;
  curve: CurvePoint[];
}

/** A full measurement of something that truly ends at `end`; the same seed gives the same noise. */
export function measure(end: number, shape: Shape, seed: number): Measurement {
  const { normal } = normalSource(seed);
  const metric = end * (1 + RUN_NOISE * normal());
  const settled = (1 + LEAD) ** -shape.power;
  const curve = Array.from({ length: POINTS }, (_, i) => {
    const share = (i + 1) / POINTS;
    const value = metric * (1 + shape.height * ((share + LEAD) ** -shape.power - settled));
    return { t: share * BUDGET_SECONDS, value: value * (1 + POINT_NOISE * normal()) };
  });
  return { metric, curve };
}

/** A training of its own for a share of the budget, evaluated like a full one: what the curve has come to there, with a run's noise. */
export function measureCheaply(end: number, shape: Shape, share: number, seed: number): number {
  const { normal } = normalSource(seed);
  const height = shape.height * ((share + LEAD) ** -shape.power - (1 + LEAD) ** -shape.power);
  return end * (1 + height) * (1 + RUN_NOISE * normal());
}

export { plain as PLAIN_SHAPE };
