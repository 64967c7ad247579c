import { configKey, type Config, type Goal, type Trial } from '@nightshift/protocol';
import { imputeCensored } from './censored.js';
import { fitHyper, type Hyper, type Observations, posterior, type Prediction, priorHyper } from './gaussian-process.js';
import type { SuggestInput } from './sampler.js';
import type { Axis, Space } from './space.js';

/** More measurements than this cost seconds a suggestion: the best half and the newest half stay. */
const MAX_TRIALS = 240;
/** The kernel's parameters are fitted to at most this many, the newest: the fit costs its cube, FIT_STEPS times over. */
const FIT_TRIALS = 80;
/** Kernel parameters are fitted again after this many new measurements; between, the points are new but the kernel is not. */
const REFIT_EVERY = 4;

/** What a Gaussian process makes of the measurements. Its scale is warped (below); lower is better whatever the goal. */
export interface Surrogate {
  /** The base itself, and the lowest expected value among what candidates are compared with and the pending configurations. */
  base: Prediction;
  target: number;
  at(config: Config): Prediction;
  change(axis: number, position: number): Prediction;
  /** From the warped scale to metric units; `slope` is the metric's change for one warped unit there. */
  toMetric(warped: number): number;
  slope(warped: number): number;
  /** Sd of one measurement at the base: on the warped scale, and in metric units. */
  noise: number;
  noiseSd: number;
  /** Prior sd of the metric over the menu, on the warped scale. */
  signalSd: number;
  /** False when the noise was not given: the process then takes what it cannot explain for noise, which may be too much. */
  isNoiseKnown: boolean;
  count: number;
  /** Surprise of each measured configuration when it came (see Posterior), by its key; below 0 is better than expected. */
  surprises(): Map<string, number>;
}

type Measured = Trial & { value: number };

function isMeasured(trial: Trial): trial is Measured {
  return trial.state === 'complete' && trial.value !== null && Number.isFinite(trial.value);
}

function keepWorthy(measured: Measured[], sign: number): Measured[] {
  if (measured.length <= MAX_TRIALS) return measured;
  const best = [...measured].sort((a, b) => sign * (a.value - b.value)).slice(0, MAX_TRIALS / 2);
  const chosen = new Set([...best, ...measured.slice(-MAX_TRIALS / 2)]);
  return measured.filter((trial) => chosen.has(trial));
}

/**
 * t = log(1 + (v - best) / s), s the median distance to the best: differences among good values keep their size, a value ten times
 * worse than the median weighs little more than one twice as bad. The noise shrinks with the slope, hence `spread`.
 */
function warp(values: Float64Array, noiseSd: number | null) {
  let best = Infinity;
  for (const value of values) best = Math.min(best, value);
  const gaps = Float64Array.from(values, (value) => value - best).sort();
  const median = gaps[gaps.length >> 1] as number;
  const scale = Math.max(median, 2 * (noiseSd ?? 0), 1e-9 * Math.max(1, Math.abs(best)));
  return {
    best,
    scale,
    y: Float64Array.from(values, (value) => Math.log1p((value - best) / scale)),
    spread: Float64Array.from(values, (value) => (scale / (scale + value - best)) ** 2),
  };
}

interface Fit {
  axes: readonly Axis[];
  data: Observations;
  noise: number | null;
  hyper: Hyper;
}
// A fit depends on its data alone; the last few are kept, compared number by number, since consecutive suggestions share them.
const recentFits: Fit[] = [];

function sameNumbers(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function sameFit(fit: Fit, axes: readonly Axis[], data: Observations, noise: number | null): boolean {
  return (
    fit.noise === noise &&
    fit.axes.length === axes.length &&
    fit.axes.every((axis, i) => axis.isCategory === axes[i]?.isCategory) &&
    sameNumbers(fit.data.y, data.y) &&
    sameNumbers(fit.data.spread, data.spread) &&
    fit.data.x.every((row, i) => sameNumbers(row, data.x[i] as Float64Array))
  );
}

function fitted(axes: readonly Axis[], data: Observations, noise: number | null): Hyper {
  const known = recentFits.find((fit) => sameFit(fit, axes, data, noise));
  if (known) return known.hyper;
  const hyper = fitHyper(axes, data, noise);
  recentFits.unshift({ axes, data, noise, hyper });
  recentFits.length = Math.min(recentFits.length, 8);
  return hyper;
}

function observe(space: Space, measured: Measured[], sign: number, noiseSd: number | null) {
  const warped = warp(
    Float64Array.from(measured, (trial) => sign * trial.value),
    noiseSd,
  );
  // The mean of n measurements has a variance n times smaller (Trial.n).
  const spread = warped.spread.map((part, i) => part / Math.max(1, measured[i]?.n ?? 1));
  const data = { x: measured.map((trial) => space.encode(trial.config)), y: warped.y, spread };
  return { ...warped, data, noise: noiseSd === null ? null : Math.max(1e-6, (noiseSd / warped.scale) ** 2) };
}

export function signOf(goal: Goal): 1 | -1 {
  return goal === 'minimize' ? 1 : -1;
}

// Censored trials come after all measurements: a surprise is told for what was measured only, by its place in this order.
function withCensored(
  space: Space,
  input: Pick<SuggestInput, 'trials'>,
  all: ReturnType<typeof observe>,
  hyper: Hyper,
  sign: number,
) {
  const bounds = input.trials
    .filter((trial) => trial.state === 'censored' && trial.value !== null && Number.isFinite(trial.value))
    .slice(-MAX_TRIALS / 2)
    .map((trial) => {
      const gapOf = (value: number) => Math.max(0, sign * value - all.best);
      const bound = Math.log1p(gapOf(trial.value as number) / all.scale);
      const { estimate } = trial;
      if (!estimate) return { x: space.encode(trial.config), bound, estimate: null };
      const gap = gapOf(estimate.value);
      // The warp's slope there takes a standard deviation from metric units to the warped scale.
      const variance = (estimate.sd / (all.scale + gap)) ** 2;
      return { x: space.encode(trial.config), bound, estimate: { mean: Math.log1p(gap / all.scale), variance } };
    });
  return imputeCensored(space.axes, all.data, bounds, hyper);
}

/** The process conditioned on the trials; null with fewer than two measurements, when there is nothing to compare. */
export function fitSurrogate(
  space: Space,
  input: Pick<SuggestInput, 'base' | 'comparator' | 'trials' | 'goal' | 'noiseSd'>,
): Surrogate | null {
  const sign = signOf(input.goal);
  const noiseSd = input.noiseSd !== undefined && input.noiseSd !== null && input.noiseSd > 0 ? input.noiseSd : null;
  const measured = keepWorthy(input.trials.filter(isMeasured), sign);
  if (measured.length < 2) return null;
  const all = observe(space, measured, sign, noiseSd);
  const prefix = measured.length - (measured.length % REFIT_EVERY);
  let hyper = priorHyper(space.axes, all.noise);
  if (prefix > 0) {
    const part = observe(space, measured.slice(Math.max(0, prefix - FIT_TRIALS), prefix), sign, noiseSd);
    const found = fitted(space.axes, part.data, part.noise);
    hyper = { ...found, noise: all.noise ?? found.noise };
  }
  const pending = input.trials.filter((trial) => trial.state === 'pending').map((trial) => space.encode(trial.config));
  const process = posterior(space.axes, withCensored(space, input, all, hyper, sign), pending, hyper);
  const baseX = space.encode(input.base);
  const base = process.at(baseX);
  const at = (config: Config) => process.at(space.encode(config));
  const comparator = input.comparator ? at(input.comparator) : base;
  return {
    base,
    at,
    target: Math.min(comparator.mean, ...pending.map((x) => process.at(x).mean)),
    change: process.oneChange(baseX),
    toMetric: (warped) => sign * (all.best + all.scale * Math.expm1(warped)),
    slope: (warped) => all.scale * Math.exp(warped),
    noise: Math.sqrt(hyper.noise) / Math.exp(Math.max(0, base.mean)),
    noiseSd: Math.sqrt(hyper.noise) * all.scale,
    signalSd: Math.sqrt(hyper.signal),
    isNoiseKnown: noiseSd !== null,
    count: measured.length,
    surprises: () => new Map(measured.map((trial, i) => [configKey(trial.config), process.surprises[i] as number])),
  };
}
