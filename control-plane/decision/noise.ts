/** The noise of one measurement, from configurations that were measured more than once. */
export interface Noise {
  /** Pooled within-configuration standard deviation, in the metric's unit; null while nothing was measured twice. */
  sd: number | null;
  /** `sd` as a fraction of the mean of the repeated measurements; null when unknown or when that mean is 0. */
  relative: number | null;
  degreesOfFreedom: number;
}

/** What is believed of the noise before it was measured: a standard deviation and how many degrees of freedom that belief is worth. */
export interface NoisePrior {
  sd: number;
  degreesOfFreedom: number;
}

/** The noise that a decision is made with; `degreesOfFreedom` counts the prior's too and need not be whole. */
export interface WorkingNoise {
  sd: number;
  degreesOfFreedom: number;
}

/** A group is called wild when its variance is this many times the pooled variance of all others (with `WILD_MIN_DF` of them). */
const WILD_RATIO = 100;
const WILD_MIN_DF = 3;

export function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  // Equal values have exactly that mean: a sum would round it, and a deterministic metric would look noisy.
  return values.every((value) => value === values[0]) ? (values[0] ?? NaN) : sum / values.length;
}

/** Sum of squared deviations from the mean: exactly 0 when all values are equal. */
export function sumOfSquares(values: readonly number[]): number {
  const centre = mean(values);
  let sum = 0;
  for (const value of values) sum += (value - centre) ** 2;
  return sum;
}

/**
 * Pools the within-configuration variance: s² = Σ_g Σ_j (x_gj - x̄_g)² / Σ_g (n_g - 1), the mean square within of a one-way
 * analysis of variance. Assumes that the noise is about the same for every configuration.
 */
export function estimateNoise(groups: readonly (readonly number[])[]): Noise {
  let squares = 0;
  let degreesOfFreedom = 0;
  let total = 0;
  let count = 0;
  for (const values of groups) {
    if (values.length < 2) continue;
    squares += sumOfSquares(values);
    degreesOfFreedom += values.length - 1;
    for (const value of values) total += value;
    count += values.length;
  }
  if (degreesOfFreedom === 0) return { sd: null, relative: null, degreesOfFreedom: 0 };
  const sd = Math.sqrt(squares / degreesOfFreedom);
  return { sd, relative: total === 0 ? null : sd / Math.abs(total / count), degreesOfFreedom };
}

/**
 * The groups without those whose spread is out of all proportion to the rest: a configuration that trains or diverges by
 * chance says nothing about the noise of the others, and one such pair would blind every later decision. `own` groups (those
 * that are being compared) always stay.
 */
export function withoutWildGroups(
  groups: readonly (readonly number[])[],
  own: readonly (readonly number[])[],
): readonly (readonly number[])[] {
  let squares = 0;
  let df = 0;
  const parts = groups.map((values) => ({
    values,
    squares: values.length > 1 ? sumOfSquares(values) : 0,
    df: Math.max(values.length - 1, 0),
  }));
  for (const part of parts) {
    squares += part.squares;
    df += part.df;
  }
  return parts
    .filter((part) => {
      const restDf = df - part.df;
      if (part.df === 0 || restDf < WILD_MIN_DF || own.some((values) => isSame(values, part.values))) return true;
      return part.squares / part.df <= (WILD_RATIO * (squares - part.squares)) / restDf;
    })
    .map((part) => part.values);
}

export function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/**
 * Shrinks a measured noise towards the prior: σ̃² = (d·s0² + ν·s²) / (d + ν) with d + ν degrees of freedom, the posterior
 * scale under a scaled inverse chi-square prior (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6).
 *
 * One deviation from the textbook, so that a wrong prior cannot cause false keeps: the prior may raise an estimate and never
 * lowers one. Where the measured noise is above it, σ̃ = s and the prior's weight fades as d·(s0/s)².
 * Noise measured as exactly 0 stays 0: such a metric is deterministic. Null while nothing was measured twice.
 */
export function shrinkNoise(noise: Noise, prior: NoisePrior): WorkingNoise | null {
  if (noise.sd === null) return null;
  if (noise.sd === 0) return { sd: 0, degreesOfFreedom: noise.degreesOfFreedom };
  const measured = noise.sd ** 2;
  const believed = prior.sd ** 2;
  const weight = prior.degreesOfFreedom * Math.min(1, believed / measured);
  const variance = Math.max(
    measured,
    (weight * believed + noise.degreesOfFreedom * measured) / (weight + noise.degreesOfFreedom),
  );
  return { sd: Math.sqrt(variance), degreesOfFreedom: noise.degreesOfFreedom + weight };
}
