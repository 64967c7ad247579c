import type { Goal } from '@nightshift/protocol';
import { mean } from './noise.js';
import { runNoise } from './run-noise.js';
import { shrinkMeans, type ShrunkenMean } from './shrink-means.js';

export interface MeasuredGroup {
  key: string;
  values: readonly number[];
}
export interface ReportedBest {
  key: string;
  n: number;
  /** Plain mean of its measurements. */
  mean: number;
  /** What it is believed to be worth: its mean shrunken towards the others, in the metric's unit. */
  shrunken: number;
  /** Of `shrunken`, in the metric's unit; null while the noise is unknown. */
  standardError: number | null;
  /** Of `shrunken` over the baseline's estimate, as a fraction (in the metric's unit when the baseline is 0); positive is better. */
  improvement: number | null;
  /** Whether it rests on measurements made after the choice: they are free of the luck that chose it, and are not shrunken. */
  isConfirmed: boolean;
  /** What the luckiest single measurement would have claimed, over the baseline's mean: for contrast, never to be reported. */
  headline: number | null;
}

/**
 * The best configuration of a run by its shrunken mean, among those measured at least twice (among all, when none was). Null
 * when nothing was measured. The luckiest draw never wins by its luck: see `shrinkMeans`. Where the run's choice was measured
 * anew, it is that choice, by those measurements alone.
 */
export function reportedBest(input: {
  goal: Goal;
  groups: readonly MeasuredGroup[];
  baselineKey: string | null;
  /** The configuration that a run chose, those of its measurements that the choice did not rest on, and the baseline's beside them. */
  confirmation?: (MeasuredGroup & { baseline?: readonly number[] }) | null | undefined;
}): ReportedBest | null {
  const sign = input.goal === 'minimize' ? 1 : -1;
  const groups = input.groups
    .map(({ key, values }) => ({ key, values: values.filter(Number.isFinite) }))
    .filter(({ values }) => values.length > 0);
  const noise = runNoise(groups.map(({ values }) => values));
  const shrunken = shrinkMeans(
    groups.map(({ values }) => sign * mean(values)),
    groups.map(({ values }) => values.length),
    noise?.sd ?? 0,
    noise?.cautiousSd ?? 0,
  );
  const measured = groups.map(({ key, values }, index) => {
    const { value, standardError } = shrunken[index] as ShrunkenMean;
    return { key, values, mean: mean(values), cost: value, standardError };
  });
  const isAnyRepeated = measured.some(({ values }) => values.length > 1);
  const [first, ...rest] = measured.filter(({ values }) => !isAnyRepeated || values.length > 1);
  if (!first) return null;
  const anew = input.confirmation?.values.filter(Number.isFinite) ?? [];
  const best =
    input.confirmation && anew.length > 0
      ? {
          key: input.confirmation.key,
          values: anew,
          mean: mean(anew),
          cost: sign * mean(anew),
          standardError: (noise?.cautiousSd ?? 0) / Math.sqrt(anew.length),
        }
      : rest.reduce((a, b) => (b.cost < a.cost ? b : a), first);
  const baseline = measured.find(({ key }) => key === input.baselineKey);
  const beside = anew.length > 0 ? (input.confirmation?.baseline?.filter(Number.isFinite) ?? []) : [];
  const from = beside.length > 0 ? sign * mean(beside) : (baseline?.cost ?? null);
  const luckiest = Math.min(...measured.flatMap(({ values }) => values.map((value) => sign * value)));
  const improvement = (base: number, cost: number) => (base - cost) / (Math.abs(base) || 1);
  return {
    key: best.key,
    n: best.values.length,
    mean: best.mean,
    shrunken: sign * best.cost,
    isConfirmed: anew.length > 0,
    standardError: noise === null ? null : best.standardError,
    improvement: from === null ? null : improvement(from, best.cost),
    headline: baseline ? improvement(sign * baseline.mean, luckiest) : null,
  };
}
