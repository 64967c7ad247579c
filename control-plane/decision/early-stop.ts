import type { Goal } from '@nightshift/protocol';
import { noisePrior } from './evidence.js';
import { estimateNoise, mean, shrinkNoise, sumOfSquares } from './noise.js';
import { studentUpperQuantile } from './student-t.js';

export interface CurvePoint {
  /** Seconds since training began. */
  t: number;
  value: number;
}
/** The curve of a measurement that went its full length. */
export interface EarlierCurve {
  configKey: string;
  /** Of the baseline, of a kept candidate, or of a comparator. */
  isKept: boolean;
  points: readonly CurvePoint[];
}
export interface EarlyStopInput {
  metric: string;
  goal: Goal;
  rule: 'envelope' | 'median';
  /** Share of the budget before which nothing is stopped. */
  after: number;
  budgetSeconds: number;
  /** The run's `minImprovement`: what the prior belief about the noise hangs on, as in decisions. */
  minImprovement: number;
  /** The candidate's curve so far, in order of time. */
  running: readonly CurvePoint[];
  earlier: readonly EarlierCurve[];
}
export interface EarlyStop {
  /** Training time and its share of the budget at which the candidate is hopeless. */
  seconds: number;
  share: number;
  value: number;
  /** What it is worse than: the kept curves' best and worst value at that time, or (median rule) the median twice. */
  best: number;
  worst: number;
  /** How many curves (envelope) or configurations (median) it was compared with. */
  n: number;
  /**
   * Envelope: the effect over the mean end of the kept curves that its curve leads to expect, and the standard deviation of that, as
   * fractions; null where it says nothing.
   */
  expected: { effect: number; sd: number } | null;
  why: string;
}

/** Curves are compared by their mean over this share of the budget before an instant, and half the points in it must be worse too: one loud step stops nobody. */
const WINDOW = 0.1;
/** What little is left after this share is worth more as a whole measurement. */
const TOO_LATE = 0.95;
/** One look at a candidate as good as the worst kept one finds it worse with about this probability. */
const FALSE_STOP = 0.01;
/** How lucky a curve may still get, as a probability. Ten times this loses the better ones of candidates whose curves cross. */
const LUCK = 0.001;
const MIN_KEPT = 2;
/** Configurations whose whole curve is known: fewer say too little of how differently curves go on. */
const MIN_CONFIGS = 5;
const MIN_POINTS = 2;

/**
 * Says whether a running candidate is hopeless, from its curve so far and those of earlier measurements at the same training
 * time; null while it is not. A value that is not finite is worse than any that is.
 *
 * `envelope`: worse than every kept curve by more than noise explains, t_0.99 · σ̃ · √2 with σ̃ pooled over the curves of
 * repeated configurations at that time and shrunken as in decisions; and unable to end as well as any of them, however luckily
 * it goes on (`endOf`). `median`: its best value so far is worse than the median
 * over configurations of the curves' means up to that time (the median stopping rule of Golovin et al., Google Vizier, 2017).
 */
export function earlyStop(input: EarlyStopInput): EarlyStop | null {
  const { running, budgetSeconds } = input;
  const last = running.at(-1);
  if (!last || running.length < MIN_POINTS) return null;
  const share = last.t / budgetSeconds;
  if (!(share >= input.after) || share > TOO_LATE) return null;
  const found = input.rule === 'median' ? byMedian(input, last.t) : byEnvelope(input, last.t);
  if (!found) return null;
  const { value, best, worst, n } = found;
  const than =
    input.rule === 'median'
      ? `the median of ${n} earlier configurations (${digits(worst)})`
      : `every kept curve (${best === worst ? digits(best) : `${digits(Math.min(best, worst))} to ${digits(Math.max(best, worst))}`})`;
  const why = `at ${Math.round(share * 100)}% of the budget ${input.metric} ${digits(value)} is worse than ${than}`;
  return { seconds: last.t, share, ...found, why };
}

type Found = Pick<EarlyStop, 'value' | 'best' | 'worst' | 'n' | 'expected'>;

function byEnvelope(input: EarlyStopInput, t: number): Found | null {
  const window = WINDOW * input.budgetSeconds;
  const sign = input.goal === 'minimize' ? 1 : -1;
  const kept: number[] = [];
  const keptEnds: number[] = [];
  const groups = new Map<string, number[]>();
  const ways = new Map<string, { from: number; to: number }[]>();
  for (const curve of input.earlier) {
    const points = finite(curve.points);
    const value = meanBefore(points, t, window);
    const end = meanBefore(points, points.at(-1)?.t ?? 0, window);
    if (value === null || end === null) continue;
    if (curve.isKept) {
      kept.push(value);
      keptEnds.push(end);
    }
    add(groups, curve.configKey, value);
    add(ways, curve.configKey, { from: value, to: end });
  }
  if (kept.length < MIN_KEPT || ways.size < MIN_CONFIGS) return null;
  const worst = sign * Math.max(...kept.map((value) => sign * value));
  const best = sign * Math.min(...kept.map((value) => sign * value));
  const value = hasLeft(input.running) ? NaN : meanBefore(finite(input.running), t, window);
  if (value === null) return null;
  const found = { value, best, worst, n: kept.length, expected: null };
  if (Number.isNaN(value)) return found;
  // A prior of its own size stands in while nothing was measured twice.
  const scale = Math.abs(mean(kept)) || 1;
  const prior = noisePrior(input.minImprovement);
  const believed = { sd: prior.sd * scale, degreesOfFreedom: prior.degreesOfFreedom };
  const noise = shrinkNoise(estimateNoise([...groups.values()]), believed) ?? believed;
  const slack = studentUpperQuantile(FALSE_STOP, noise.degreesOfFreedom) * noise.sd * Math.SQRT2;
  const isWorse = (of: number) => sign * (of - worst) > slack;
  const recent = finite(input.running).filter((point) => point.t > t - window);
  if (!isWorse(value) || !isWorse(median(recent.map((point) => point.value)))) return null;
  const reach = endOf(value, [...ways.values()], sign);
  if (!keptEnds.every((end) => sign * (reach.best - end) > 0)) return null;
  const usual = mean(keptEnds);
  const size = Math.abs(usual) || 1;
  return { ...found, expected: { effect: (sign * (usual - reach.expected)) / size, sd: reach.sd / size } };
}

/**
 * How good a curve that is at `value` now may still end: as earlier configurations went on from the same time, with the luck of
 * one in a thousand, and how it is expected to. Ways are ratios where everything is positive, and differences otherwise; the mean and the spread over
 * configurations give the bound of a prediction interval, x̄ ∓ t_0.999(m − 1) · s · √(1 + 1/m).
 */
function endOf(
  value: number,
  ways: readonly (readonly { from: number; to: number }[])[],
  sign: 1 | -1,
): { best: number; expected: number; sd: number } {
  const arePositive = value > 0 && ways.every((same) => same.every(({ from, to }) => from > 0 && to > 0));
  const to = arePositive ? Math.log : (x: number) => x;
  const steps = ways.map((same) => mean(same.map((way) => to(way.to) - to(way.from))));
  const sd = Math.sqrt(sumOfSquares(steps) / (steps.length - 1));
  const error = sd * Math.sqrt(1 + 1 / steps.length);
  const luck = studentUpperQuantile(LUCK, steps.length - 1) * error;
  const end = to(value) + mean(steps);
  const back = arePositive ? Math.exp : (x: number) => x;
  return { best: back(end - sign * luck), expected: back(end), sd: arePositive ? back(end) * error : error };
}

function byMedian(input: EarlyStopInput, t: number): Found | null {
  const sign = input.goal === 'minimize' ? 1 : -1;
  const groups = new Map<string, number[]>();
  for (const curve of input.earlier) {
    const points = finite(curve.points);
    const value = meanBefore(points, t, t - (points[0]?.t ?? t));
    if (value !== null) add(groups, curve.configKey, value);
  }
  if (groups.size < MIN_CONFIGS) return null;
  const middle = median([...groups.values()].map(mean));
  const isLost = hasLeft(input.running);
  const best = sign * Math.min(...finite(input.running).map((point) => sign * point.value));
  const value = isLost ? NaN : best;
  return isLost || sign * (value - middle) > 0
    ? { value, best: middle, worst: middle, n: groups.size, expected: null }
    : null;
}

function add<T>(groups: Map<string, T[]>, key: string, value: T): void {
  const group = groups.get(key);
  if (group) group.push(value);
  else groups.set(key, [value]);
}

function finite(points: readonly CurvePoint[]): CurvePoint[] {
  return points.filter((point) => Number.isFinite(point.value) && point.t >= 0);
}

// A step that overflowed may be skipped and made good by the next: two in a row are taken for the end.
function hasLeft(points: readonly CurvePoint[]): boolean {
  return points.slice(-2).every((point) => !Number.isFinite(point.value));
}

/**
 * The mean over [t - window, t] of the line through the points, so that curves with many and with few points are compared alike;
 * level after the last point. Null when t lies before the second point, where there is no line yet.
 */
function meanBefore(points: readonly CurvePoint[], t: number, window: number): number | null {
  const [first, second] = points;
  if (!first || !second || t < second.t) return null;
  const from = Math.max(first.t, t - window);
  if (!(t > from)) return at(points, t);
  let area = 0;
  let left = { t: from, value: at(points, from) };
  for (const point of points) {
    if (point.t <= from) continue;
    if (point.t >= t) break;
    area += ((left.value + point.value) / 2) * (point.t - left.t);
    left = point;
  }
  const right = at(points, t);
  area += ((left.value + right) / 2) * (t - left.t);
  return area / (t - from);
}

function at(points: readonly CurvePoint[], t: number): number {
  let before = points[0] as CurvePoint;
  for (const point of points) {
    if (point.t > t) {
      const part = (t - before.t) / (point.t - before.t);
      return before.t >= t ? before.value : before.value + part * (point.value - before.value);
    }
    before = point;
  }
  return before.value;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}

function digits(value: number): string {
  return String(Number(value.toPrecision(4)));
}
