import { decide, reportedBest } from '@nightshift/control-plane/decision/index';
import { normalSource } from './random.js';

export interface Setting {
  /** Candidates decided in a run. */
  iterations: number;
  /** Standard deviation of one measurement, as a fraction of the baseline. */
  noise: number;
  baselineReplicates: number;
  maxReplicates: number;
  minImprovement: number;
  confidence: number;
  /** False for a run that does not know how many candidates it will decide. */
  isPlanned: boolean;
  /** True improvement over the baseline of the candidate at an iteration, as a fraction; positive is better. */
  truth(iteration: number, source: ReturnType<typeof normalSource>): number;
}
export interface Kept {
  iteration: number;
  /** True improvement over the baseline of what was kept, and of what it replaced. */
  truth: number;
  replaced: number;
}
export interface Outcome {
  kept: Kept[];
  measurements: number;
  /** Measurements beyond the baseline's and one a candidate. */
  extra: number;
  /** True improvement of the last incumbent. */
  finalTruth: number;
  /** What a morning report claims, the truth about it, and the claim's standard error (all fractions of the true baseline). */
  claimed: number;
  claimedTruth: number;
  claimedError: number | null;
}

interface Configuration {
  key: string;
  truth: number;
  values: number[];
}

/** One run decided by the decision room, driven as the loop drives it: measure when asked, against the incumbent. Minimises; the baseline's truth is 1. */
export function simulateRun(seed: number, setting: Setting): Outcome {
  const source = normalSource(seed);
  const measure = (item: Configuration) => item.values.push(1 - item.truth + setting.noise * source.normal());
  const baseline: Configuration = { key: 'baseline', truth: 0, values: [] };
  for (let i = 0; i < setting.baselineReplicates; i += 1) measure(baseline);
  const all = [baseline];
  const kept: Kept[] = [];
  let incumbent = baseline;
  for (let iteration = 1; iteration <= setting.iterations; iteration += 1) {
    const candidate: Configuration = { key: String(iteration), truth: setting.truth(iteration, source), values: [] };
    all.push(candidate);
    measure(candidate);
    for (;;) {
      const ruling = decide({
        goal: 'minimize',
        compare: 'incumbent',
        rule: setting,
        candidate: candidate.values,
        comparator: incumbent.values,
        groups: all.map(({ values }) => values),
        decisionsSoFar: iteration - 1,
        plannedDecisions: setting.isPlanned ? setting.iterations : null,
      });
      if (ruling.kind === 'measure') {
        measure(ruling.role === 'replicate' ? candidate : incumbent);
        continue;
      }
      if (ruling.decision.outcome === 'keep') {
        kept.push({ iteration, truth: candidate.truth, replaced: incumbent.truth });
        incumbent = candidate;
      }
      break;
    }
  }
  const best = reportedBest({ goal: 'minimize', groups: all, baselineKey: 'baseline' });
  const measurements = all.reduce((sum, { values }) => sum + values.length, 0);
  return {
    kept,
    measurements,
    extra: measurements - setting.baselineReplicates - setting.iterations,
    finalTruth: incumbent.truth,
    claimed: 1 - (best?.shrunken ?? 1),
    claimedTruth: all.find(({ key }) => key === best?.key)?.truth ?? 0,
    claimedError: best?.standardError ?? null,
  };
}

/** The same run as the field decides it: one measurement each, kept when better than the incumbent's by `minImprovement`. */
export function simulateNaive(seed: number, setting: Setting): Outcome {
  const source = normalSource(seed);
  const baseline = 1 + setting.noise * source.normal();
  let value = baseline;
  let truth = 0;
  const kept: Kept[] = [];
  let best = { value: baseline, truth: 0 };
  for (let iteration = 1; iteration <= setting.iterations; iteration += 1) {
    const candidate = setting.truth(iteration, source);
    const measured = 1 - candidate + setting.noise * source.normal();
    if (measured < best.value) best = { value: measured, truth: candidate };
    if (measured < value * (1 - setting.minImprovement)) {
      kept.push({ iteration, truth: candidate, replaced: truth });
      value = measured;
      truth = candidate;
    }
  }
  return {
    kept,
    measurements: setting.iterations + 1,
    extra: 0,
    finalTruth: truth,
    claimed: 1 - best.value,
    claimedTruth: best.truth,
    claimedError: null,
  };
}
