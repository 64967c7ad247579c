import { cholesky, inverseFromFactor, solveLower, solveUpper } from './cholesky.js';
import type { Axis } from './space.js';

/** Kernel parameters: a length for each axis (in units of its [0, 1]), the signal's and one measurement's variance. */
export interface Hyper {
  lengths: Float64Array;
  signal: number;
  noise: number;
}

/** Measurements as the process sees them; `spread[i]` multiplies the noise variance of row i. */
export interface Observations {
  x: Float64Array[];
  y: Float64Array;
  spread: Float64Array;
}

/** Share of the variance given to the sum of one-knob effects; the rest goes to the kernel over all knobs together. */
const ADDITIVE_SHARE = 0.5;
const ROOT5 = Math.sqrt(5);
const JITTER = 1e-6;
const LENGTH_SD = 0.8;
const FIT_STEPS = 16;

/** Prior mean of a length: the square root keeps distances comparable as knobs are added (Hvarfner and others 2024). */
function priorLength(axis: Axis, count: number): number {
  return (axis.isCategory ? 0.4 : 0.22) * Math.sqrt(count);
}

export function priorHyper(axes: readonly Axis[], noise: number | null): Hyper {
  return {
    lengths: Float64Array.from(axes, (axis) => priorLength(axis, axes.length)),
    signal: 0.5,
    noise: noise ?? 0.02,
  };
}

function matern(a: number): number {
  return (1 + a + (a * a) / 3) * Math.exp(-a);
}

/** A length of the joint kernel, as the one-knob kernel uses it: shorter, since one axis alone spans the distance. */
function singleScale(count: number): number {
  return 5 * Math.max(1, count / 2);
}

/**
 * Maximum a posteriori kernel parameters: log marginal likelihood (Rasmussen and Williams 2006, eq. 5.8, with the mean profiled out)
 * plus lognormal priors, climbed by sign steps (Rprop). `noise` fixes the noise variance; null estimates it.
 */
export function fitHyper(axes: readonly Axis[], data: Observations, noise: number | null): Hyper {
  const n = data.x.length;
  const dims = axes.length;
  const start = priorHyper(axes, noise);
  if (n < 4) return start;
  const distances = new Float64Array(((n * (n - 1)) / 2) * dims);
  let at = 0;
  for (let i = 1; i < n; i++)
    for (let j = 0; j < i; j++)
      for (let k = 0; k < dims; k++)
        distances[at++] = (axes[k] as Axis).distance2(
          (data.x[i] as Float64Array)[k] as number,
          (data.x[j] as Float64Array)[k] as number,
        );

  const size = dims + 2;
  const prior = Float64Array.from([...start.lengths, start.signal, start.noise], Math.log);
  const priorSd = Float64Array.from({ length: size }, (_, i) => (i < dims ? LENGTH_SD : i === dims ? 1 : 1.5));
  const theta = Float64Array.from(prior);
  const best = { value: -Infinity, theta: Float64Array.from(theta) };
  const step = new Float64Array(size).fill(0.3);
  const previous = new Float64Array(size);
  for (let iteration = 0; iteration < FIT_STEPS; iteration++) {
    const { value, gradient } = likelihood(theta, distances, data, dims);
    let posterior = value;
    for (let i = 0; i < size; i++) {
      const z = ((theta[i] as number) - (prior[i] as number)) / (priorSd[i] as number);
      posterior -= (z * z) / 2;
      gradient[i] = (gradient[i] as number) - z / (priorSd[i] as number);
    }
    if (noise !== null) gradient[dims + 1] = 0;
    if (posterior > best.value) {
      best.value = posterior;
      best.theta.set(theta);
    }
    for (let i = 0; i < size; i++) {
      const slope = gradient[i] as number;
      const agreement = slope * (previous[i] as number);
      const factor = agreement > 0 ? 1.3 : agreement < 0 ? 0.5 : 1;
      step[i] = Math.min(0.8, Math.max(1e-3, (step[i] as number) * factor));
      previous[i] = agreement < 0 ? 0 : slope;
      theta[i] = (theta[i] as number) + Math.sign(previous[i] as number) * (step[i] as number);
    }
  }
  const [...found] = best.theta;
  return {
    lengths: Float64Array.from(found.slice(0, dims), Math.exp),
    signal: Math.exp(found[dims] as number),
    noise: noise ?? Math.exp(found[dims + 1] as number),
  };
}

function likelihood(theta: Float64Array, distances: Float64Array, data: Observations, dims: number) {
  const n = data.x.length;
  const signal = Math.exp(theta[dims] as number);
  const noise = Math.exp(theta[dims + 1] as number);
  const scale = singleScale(dims);
  const inverse2 = new Float64Array(dims);
  for (let k = 0; k < dims; k++) inverse2[k] = Math.exp(-2 * (theta[k] as number));
  const matrix = new Float64Array(n * n);
  const joint = new Float64Array((n * (n - 1)) / 2);
  let pair = 0;
  let at = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      let r2 = 0;
      let sum = 0;
      for (let k = 0; k < dims; k++) {
        const d2 = (distances[at++] as number) * (inverse2[k] as number);
        r2 += d2;
        sum += d2 === 0 ? 1 : matern(Math.sqrt(scale * d2));
      }
      const a = ROOT5 * Math.sqrt(r2);
      const decay = Math.exp(-a);
      matrix[i * n + j] =
        signal * ((1 - ADDITIVE_SHARE) * (1 + a + (a * a) / 3) * decay + (ADDITIVE_SHARE / dims) * sum);
      joint[pair++] = signal * (1 - ADDITIVE_SHARE) * (5 / 3) * (1 + a) * decay;
    }
    matrix[i * n + i] = signal + noise * (data.spread[i] as number) + JITTER;
  }
  const signalPart = Float64Array.from(matrix);
  const factor = cholesky(matrix, n);
  const { mean, alpha } = weights(factor, n, data.y);
  let value = 0;
  for (let i = 0; i < n; i++)
    value -= (((data.y[i] as number) - mean) * (alpha[i] as number)) / 2 + Math.log(factor[i * n + i] as number);

  const inverse = inverseFromFactor(factor, n);
  const gradient = new Float64Array(dims + 2);
  let bySignal = 0;
  let byNoise = 0;
  pair = 0;
  at = 0;
  for (let i = 0; i < n; i++) {
    const ai = alpha[i] as number;
    for (let j = 0; j < i; j++) {
      const w = ai * (alpha[j] as number) - (inverse[i * n + j] as number);
      bySignal += w * (signalPart[i * n + j] as number);
      const shared = w * (joint[pair++] as number);
      const single = (w * signal * ADDITIVE_SHARE) / (3 * dims);
      for (let k = 0; k < dims; k++) {
        const d2 = (distances[at++] as number) * (inverse2[k] as number);
        if (d2 === 0) continue;
        const a = Math.sqrt(scale * d2);
        gradient[k] = (gradient[k] as number) + shared * d2 + single * a * a * (1 + a) * Math.exp(-a);
      }
    }
    const w = ai * ai - (inverse[i * n + i] as number);
    bySignal += (w * signal) / 2;
    byNoise += (w * noise * (data.spread[i] as number)) / 2;
  }
  gradient[dims] = bySignal;
  gradient[dims + 1] = byNoise;
  return { value, gradient };
}

/** The generalised least squares mean and K^-1 (y - mean), from the factor of K over the leading rows. */
function weights(factor: Float64Array, n: number, y: Float64Array, rows = y.length) {
  const ones = solveLower(factor, n, new Float64Array(rows).fill(1), rows);
  const target = solveLower(factor, n, Float64Array.from(y.subarray(0, rows)), rows);
  let top = 0;
  let bottom = 0;
  for (let i = 0; i < rows; i++) {
    top += (ones[i] as number) * (target[i] as number);
    bottom += (ones[i] as number) * (ones[i] as number);
  }
  const mean = top / bottom;
  for (let i = 0; i < rows; i++) target[i] = (target[i] as number) - mean * (ones[i] as number);
  const whitened = Float64Array.from(target);
  return { mean, alpha: solveUpper(factor, n, target, rows), whitened };
}

export interface Prediction {
  mean: number;
  variance: number;
}
export interface Posterior {
  /** How far each measurement was from what the earlier ones led to expect, in predictive standard deviations. */
  surprises: Float64Array;
  /** The latent value at a point. */
  at(x: Float64Array): Prediction;
  /** The latent value with one coordinate of `base` replaced: shares the work that does not depend on the change. */
  oneChange(base: Float64Array): (axis: number, position: number) => Prediction;
}

/**
 * Conditions the process on the measurements, and on the pending points at their own expected value (the "kriging believer" of
 * Ginsbourger and others 2010): the mean stays, the variance near them shrinks, so that parallel boxes spread out.
 */
export function posterior(axes: readonly Axis[], data: Observations, pending: Float64Array[], hyper: Hyper): Posterior {
  const rows = data.x.length;
  const points = [...data.x, ...pending];
  const n = points.length;
  const dims = axes.length;
  const scale = singleScale(dims);
  const inverse2 = Float64Array.from(hyper.lengths, (length) => 1 / (length * length));
  const value = (r2: number, sum: number) =>
    hyper.signal * ((1 - ADDITIVE_SHARE) * matern(ROOT5 * Math.sqrt(r2)) + (ADDITIVE_SHARE / dims) * sum);
  const scaled = (k: number, a: number, b: number) => (axes[k] as Axis).distance2(a, b) * (inverse2[k] as number);
  const single = (d2: number) => (d2 === 0 ? 1 : matern(Math.sqrt(scale * d2)));

  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      let r2 = 0;
      let sum = 0;
      for (let k = 0; k < dims; k++) {
        const d2 = scaled(k, (points[i] as Float64Array)[k] as number, (points[j] as Float64Array)[k] as number);
        r2 += d2;
        sum += single(d2);
      }
      matrix[i * n + j] = value(r2, sum);
    }
    matrix[i * n + i] = hyper.signal + hyper.noise * (i < rows ? (data.spread[i] as number) : 1) + JITTER;
  }
  const factor = cholesky(matrix, n);
  const { mean, whitened } = weights(factor, n, data.y, rows);

  const finish = (covariance: Float64Array): Prediction => {
    solveLower(factor, n, covariance);
    let expected = mean;
    let explained = 0;
    for (let i = 0; i < n; i++) {
      const v = covariance[i] as number;
      if (i < rows) expected += v * (whitened[i] as number);
      explained += v * v;
    }
    return { mean: expected, variance: Math.max(hyper.signal - explained, 1e-12) };
  };

  const oneChange = (base: Float64Array) => {
    const r2 = new Float64Array(n);
    const sums = new Float64Array(n);
    const parts = new Float64Array(n * dims);
    for (let i = 0; i < n; i++)
      for (let k = 0; k < dims; k++) {
        const d2 = scaled(k, base[k] as number, (points[i] as Float64Array)[k] as number);
        parts[i * dims + k] = d2;
        r2[i] = (r2[i] as number) + d2;
        sums[i] = (sums[i] as number) + single(d2);
      }
    return (axis: number, position: number): Prediction => {
      const covariance = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        const old = parts[i * dims + axis] as number;
        const now = scaled(axis, position, (points[i] as Float64Array)[axis] as number);
        covariance[i] = value(
          Math.max(0, (r2[i] as number) - old + now),
          now === old ? (sums[i] as number) : (sums[i] as number) - single(old) + single(now),
        );
      }
      return finish(covariance);
    };
  };
  return {
    surprises: whitened,
    oneChange,
    at: (x) => oneChange(x)(0, x[0] as number),
  };
}
