import type { Keep } from './analysis.js';
import { judgeHealth, type Health, type HealthEvidence } from './health.js';
import type { Live } from './live-state.js';
import { improvementOver } from './measurements.js';

/** What people watch while a run goes on. Unknown figures are null, never 0; rates are fractions of 1. */
export interface LiveFigures {
  iterations: number;
  evaluated: number;
  kept: number;
  reverted: number;
  inconclusive: number;
  blocked: number;
  failed: number;
  /** Given up at the cheap budget (`fidelity.screen`). */
  screenedOut: number;
  knobs: {
    total: number | null;
    touched: number;
    coverage: number | null;
    untouched: string[] | null;
    proposals: Record<string, number>;
  };
  pairs: {
    unique: number;
    repeats: number;
    repeatRate: number | null;
    noops: number;
    windows: { first: number; last: number; repeatRate: number }[];
  };
  /** Shannon entropy of the proposals over knobs, in bits, and the most it could be on this menu. */
  entropy: { bits: number | null; mostBits: number | null };
  /** Proposals that the rails stopped, of all that they saw. */
  blockRate: number | null;
  /** Kept iterations of those evaluated. */
  keepRate: number | null;
  keeps: { first: Keep | null; best: (Keep & { improvement: number | null }) | null; topPairShare: number | null };
  /** Keeps by knob. */
  wins: Record<string, number>;
  plateau: { longest: number | null; current: number | null };
  noise: { sd: number | null; degreesOfFreedom: number; relative: number | null; flipped: number };
  cost: {
    wallSeconds: number | null;
    modelSecondsPerCall: number | null;
    energyKwh: number | null;
    /** What one percent of improvement of the best keep has cost so far. */
    kwhPerPercent: number | null;
    secondsPerPercent: number | null;
  };
  health: Health;
}

/** The figures of a live state; equal to those that `analyze` gives for the same iterations. */
export function liveFigures(live: Live): LiveFigures {
  const { cost, noise, baselineValue } = live;
  const { screened_out: screenedOut = 0, ...counts } = live.counts;
  const total = live.knobs?.length ?? null;
  const evidence = liveEvidence(live);
  const best = live.keeps.best;
  const improvement = best === null ? null : improvementOver(live.goal, baselineValue, best.metric);
  const percent = improvement !== null && improvement > 0 ? improvement * 100 : null;
  const sd = noise.degreesOfFreedom === 0 ? null : Math.sqrt(noise.squares / noise.degreesOfFreedom);
  const energyKwh = cost.energyWh === null ? null : cost.energyWh / 1000;
  return {
    ...counts,
    screenedOut,
    knobs: {
      total,
      touched: live.touched.length,
      coverage: ratio(live.touched.length, total),
      untouched: evidence.knobs.untouched,
      proposals: { ...live.proposals },
    },
    pairs: {
      unique: live.unique,
      repeats: live.repeats,
      repeatRate: ratio(live.repeats, counts.evaluated),
      noops: live.noops,
      windows: live.windows.map(({ first, last, n, repeats }) => ({ first, last, repeatRate: repeats / n })),
    },
    entropy: {
      // H = log2 N - (sum of n log2 n) / N, clamped where rounding would leave a tiny negative.
      bits:
        live.proposalsTotal === 0
          ? null
          : Math.max(0, Math.log2(live.proposalsTotal) - live.proposalsLogSum / live.proposalsTotal),
      mostBits: total === null || total === 0 ? null : Math.log2(total),
    },
    blockRate: ratio(live.tries.blocked, live.tries.all),
    keepRate: ratio(counts.kept, counts.evaluated),
    keeps: {
      first: live.keeps.first,
      best: best === null ? null : { ...best, improvement },
      topPairShare: evidence.keeps.topPairShare,
    },
    wins: { ...live.wins },
    plateau: {
      longest: counts.evaluated === 0 ? null : Math.max(live.plateau.longest, live.plateau.current),
      current: evidence.currentPlateau,
    },
    noise: {
      sd,
      degreesOfFreedom: noise.degreesOfFreedom,
      relative: sd === null || baselineValue === null || baselineValue === 0 ? null : sd / Math.abs(baselineValue),
      flipped: live.flipped.length,
    },
    cost: {
      wallSeconds: cost.wallSeconds,
      modelSecondsPerCall: cost.modelSeconds === null ? null : cost.modelSeconds / cost.modelCalls,
      energyKwh,
      kwhPerPercent: percent === null || energyKwh === null ? null : energyKwh / percent,
      secondsPerPercent: percent === null || cost.wallSeconds === null ? null : cost.wallSeconds / percent,
    },
    health: judgeHealth(evidence),
  };
}

/** The evidence for `judgeHealth`, from the state alone. */
export function liveEvidence(live: Live): HealthEvidence {
  const { topPair } = live.keeps;
  return {
    iterations: live.counts.iterations,
    evaluated: live.counts.evaluated,
    recentEvaluated: live.recentEvaluated,
    recentIterations: live.recentIterations,
    currentPlateau: live.counts.evaluated === 0 ? null : live.plateau.current,
    bestIteration: live.plateau.bestIteration,
    knobs: {
      total: live.knobs?.length ?? null,
      untouched: live.knobs?.filter((name) => !live.touched.includes(name)) ?? null,
    },
    flipped: live.flipped.toSorted((a, b) => a.order - b.order).map(({ knob, value }) => ({ knob, value })),
    keeps: {
      count: live.keeps.count,
      topPairShare: topPair === null || live.keeps.count === 0 ? null : topPair.kept / live.keeps.count,
      top: topPair === null ? null : { knob: topPair.knob, value: topPair.value },
    },
    constantMetric: live.constant === null ? null : { value: live.constant.value, pairs: live.constant.distinct },
  };
}

function ratio(part: number, whole: number | null): number | null {
  return whole === null || whole === 0 ? null : part / whole;
}
