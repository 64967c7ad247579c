import type { KnobValue, Trajectory } from '@nightshift/protocol';
import { coverageOf } from './coverage.js';
import { canBeBest } from './guards.js';
import { isBaselineAgain, isEvaluated, replicateKey } from './measurements.js';
import { noiseOf } from './noise.js';
import { repeatedIterations } from './pairs.js';
import { keepsOf } from './keeps.js';
import { plateauOf } from './plateau.js';
import { countText } from './wording.js';

export const VERDICTS = ['exploring', 'exploiting', 'plateaued', 'flailing', 'blind'] as const;
export type HealthVerdict = (typeof VERDICTS)[number];

/** The verdict and the facts that prove it, iterations named. */
export interface Health {
  verdict: HealthVerdict;
  reasons: string[];
}

/** The thresholds, each explained in docs/trajectory.md. Counts are of iterations. */
export const HEALTH_RULES = {
  /** Evaluated iterations that repeats are judged over. */
  repeatSpan: 20,
  /** Fewer evaluated iterations than this and only `exploring` or `blind` can be said. */
  minEvaluated: 10,
  /** Share of repeats and no-ops in the span from which it is flailing. */
  flailingShare: 0.5,
  /** Iterations of any outcome that blindness is judged over, and how many without a measurement make it. */
  blindSpan: 10,
  blindCount: 7,
  /** Different configurations with one and the same metric, to the last bit, that show a metric nothing moves. */
  constantMetric: 5,
  /** Evaluated iterations without a new best that make a plateau. */
  plateau: 15,
  /** A new best within this many evaluated iterations counts as still gaining. */
  gainingWithin: 10,
  /** Share of the last `gainingWithin` proposals on at most two knobs that counts as concentrated. */
  concentrated: 0.6,
} as const;

export interface RecentEvaluated {
  iteration: number;
  knob: string | null;
  /** The same change in the same configuration as before, that nobody asked for: the playbook's own replicates are not counted. */
  isRepeat: boolean;
  /** It ran the baseline's configuration again. */
  isNoop: boolean;
}
export interface RecentIteration {
  iteration: number;
  isMeasured: boolean;
  /** Why there is no measurement: the failure, or the rail. */
  cause: string | null;
}

/** What the verdict rests on; bounded, so that it is built in constant time while a run is live. */
export interface HealthEvidence {
  iterations: number;
  evaluated: number;
  /** The last `repeatSpan` evaluated iterations, oldest first. */
  recentEvaluated: RecentEvaluated[];
  /** The last `blindSpan` iterations, oldest first. */
  recentIterations: RecentIteration[];
  currentPlateau: number | null;
  bestIteration: number | null;
  knobs: { total: number | null; untouched: string[] | null };
  flipped: { knob: string; value: KnobValue }[];
  keeps: { count: number; topPairShare: number | null; top: { knob: string; value: KnobValue } | null };
  /** The one value that every evaluated iteration had, and how many distinct pairs had it; null when the metric moved. */
  constantMetric: { value: number; pairs: number } | null;
}

/** Judges a trajectory by the rules of docs/trajectory.md, in their order: blind, flailing, plateaued, exploiting, exploring. */
export function judgeHealth(evidence: HealthEvidence): Health {
  return blind(evidence) ?? flailing(evidence) ?? plateaued(evidence) ?? exploiting(evidence) ?? exploring(evidence);
}

function blind(evidence: HealthEvidence): Health | null {
  const rules = HEALTH_RULES;
  const missing = evidence.recentIterations.filter((row) => !row.isMeasured);
  if (evidence.iterations > 0 && evidence.evaluated === 0)
    return {
      verdict: 'blind',
      reasons: [`none of ${countText(evidence.iterations, 'iteration')} was measured${causesOf(missing)}`],
    };
  if (missing.length >= rules.blindCount)
    return {
      verdict: 'blind',
      reasons: [
        `${missing.length} of the last ${evidence.recentIterations.length} iterations gave no measurement (${rowsOf(missing)})${causesOf(missing)}`,
      ],
    };
  const constant = evidence.constantMetric;
  if (constant !== null && constant.pairs >= rules.constantMetric)
    return {
      verdict: 'blind',
      reasons: [
        `${constant.pairs} different changes all measured exactly ${constant.value}: the metric does not see what is changed`,
      ],
    };
  return null;
}

function flailing(evidence: HealthEvidence): Health | null {
  const { recentEvaluated: recent } = evidence;
  const wasted = recent.filter((row) => row.isRepeat || row.isNoop);
  if (evidence.evaluated < HEALTH_RULES.minEvaluated) return null;
  if (wasted.length < HEALTH_RULES.flailingShare * recent.length) return null;
  const repeats = wasted.filter((row) => row.isRepeat);
  const noops = wasted.filter((row) => row.isNoop);
  const reasons = [
    `${repeats.length} of the last ${recent.length} evaluated iterations repeat a pair tried before (${rowsOf(repeats)})`,
  ];
  if (noops.length > 0) reasons.push(`${rowsOf(noops)} proposed the baseline's own value`);
  reasons.push(...background(evidence));
  return { verdict: 'flailing', reasons };
}

function plateaued(evidence: HealthEvidence): Health | null {
  if (evidence.currentPlateau === null || evidence.currentPlateau < HEALTH_RULES.plateau) return null;
  const since =
    evidence.bestIteration === null
      ? 'nothing beat the baseline'
      : `the best is still iteration ${evidence.bestIteration}`;
  return {
    verdict: 'plateaued',
    reasons: [
      `${countText(evidence.currentPlateau, 'evaluated iteration')} without a new best; ${since}`,
      ...background(evidence),
    ],
  };
}

function exploiting(evidence: HealthEvidence): Health | null {
  if (evidence.evaluated < HEALTH_RULES.minEvaluated || evidence.bestIteration === null) return null;
  if (evidence.currentPlateau === null || evidence.currentPlateau >= HEALTH_RULES.gainingWithin) return null;
  const recent = evidence.recentEvaluated.slice(-HEALTH_RULES.gainingWithin).filter((row) => row.knob !== null);
  const counts = new Map<string, number>();
  for (const row of recent) counts.set(row.knob as string, (counts.get(row.knob as string) ?? 0) + 1);
  const top = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 2);
  const share = top.reduce((sum, [, n]) => sum + n, 0) / Math.max(1, recent.length);
  if (recent.length === 0 || share < HEALTH_RULES.concentrated) return null;
  return {
    verdict: 'exploiting',
    reasons: [
      `iteration ${evidence.bestIteration} set a new best ${countText(evidence.currentPlateau, 'evaluated iteration')} ago`,
      `${top.reduce((sum, [, n]) => sum + n, 0)} of the last ${recent.length} proposals are on ${top.map(([knob]) => knob).join(' and ')}`,
    ],
  };
}

function exploring(evidence: HealthEvidence): Health {
  const { recentEvaluated: recent } = evidence;
  if (evidence.evaluated < HEALTH_RULES.minEvaluated)
    return {
      verdict: 'exploring',
      reasons: [`${countText(evidence.evaluated, 'iteration')} evaluated: too early to say more`],
    };
  const fresh = recent.filter((row) => !row.isRepeat && !row.isNoop && row.knob !== null);
  const reasons: string[] = [];
  if (fresh.length > 0) {
    const knobs = new Set(fresh.map((row) => row.knob)).size;
    reasons.push(
      `${fresh.length} of the last ${recent.length} evaluated iterations tried a new pair, on ${countText(knobs, 'knob')}`,
    );
  }
  if (evidence.currentPlateau !== null)
    reasons.push(
      evidence.bestIteration === null
        ? `nothing beat the baseline in ${countText(evidence.currentPlateau, 'evaluated iteration')}`
        : `the best is iteration ${evidence.bestIteration}, ${countText(evidence.currentPlateau, 'evaluated iteration')} ago`,
    );
  return { verdict: 'exploring', reasons };
}

/** What does not decide the verdict but explains it. */
function background(evidence: HealthEvidence): string[] {
  const reasons: string[] = [];
  const { total, untouched } = evidence.knobs;
  if (total !== null && untouched !== null && untouched.length > 0)
    reasons.push(`${untouched.length} of ${total} knobs were never tried: ${listOf(untouched, 8)}`);
  if (evidence.flipped.length > 0)
    reasons.push(
      `${evidence.flipped.length} ${evidence.flipped.length === 1 ? 'pair was' : 'pairs were'} both kept and reverted: ${listOf(
        evidence.flipped.map((pair) => `${pair.knob}=${String(pair.value)}`),
        5,
      )}`,
    );
  const { count, topPairShare, top } = evidence.keeps;
  if (count >= 3 && top !== null && topPairShare !== null && topPairShare >= 0.5)
    reasons.push(
      `${Math.round(topPairShare * count)} of ${count} keeps are one pair: ${top.knob}=${String(top.value)}`,
    );
  return reasons;
}

function listOf(names: string[], most: number): string {
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function rowsOf(rows: { iteration: number }[]): string {
  const label = rows.length === 1 ? 'iteration' : 'iterations';
  return `${label} ${rows.map((row) => row.iteration).join(', ')}`;
}

function causesOf(rows: RecentIteration[]): string {
  const counts = new Map<string, number>();
  for (const row of rows) if (row.cause !== null) counts.set(row.cause, (counts.get(row.cause) ?? 0) + 1);
  const named = [...counts].sort((a, b) => b[1] - a[1]).map(([cause, n]) => `${n}× ${cause}`);
  return named.length === 0 ? '' : `: ${listOf(named, 4)}`;
}

/** The evidence of a whole trajectory; `updateLive` gathers the same, one iteration at a time. */
export function healthEvidence(trajectory: Trajectory): HealthEvidence {
  const evaluated = trajectory.records.filter(isEvaluated);
  const repeated = repeatedIterations(trajectory, (record) => replicateKey(record.proposal, record));
  const keeps = keepsOf(trajectory);
  const coverage = coverageOf(trajectory);
  const [top] = keeps.byPair;
  return {
    iterations: trajectory.records.length,
    evaluated: evaluated.length,
    recentEvaluated: evaluated.slice(-HEALTH_RULES.repeatSpan).map((record) => ({
      iteration: record.iteration,
      knob: record.proposal?.knob ?? null,
      isRepeat: repeated.has(record) && record.proposer !== 'playbook',
      isNoop: isBaselineAgain(trajectory, record),
    })),
    recentIterations: trajectory.records.slice(-HEALTH_RULES.blindSpan).map(recentIterationOf),
    currentPlateau: plateauOf(trajectory).current,
    bestIteration: bestIterationOf(trajectory),
    knobs: { total: coverage.total, untouched: coverage.untouched },
    flipped: noiseOf(trajectory).flipped.map(({ knob, value }) => ({ knob, value })),
    keeps: {
      count: keeps.count,
      topPairShare: keeps.topPairShare,
      top: top ? { knob: top.knob, value: top.value } : null,
    },
    constantMetric: constantMetricOf(trajectory),
  };
}

export function recentIterationOf(record: Trajectory['records'][number]): RecentIteration {
  // What was given up while it trained has told enough: that is no blindness.
  const isGivenUp = record.outcome === 'screened_out' || record.failure === 'stopped_early';
  const isMeasured = isEvaluated(record) || isGivenUp;
  const cause = record.outcome === 'blocked' ? `blocked by ${record.rail ?? 'a rail'}` : record.failure;
  return { iteration: record.iteration, isMeasured, cause: isMeasured ? null : (cause ?? 'no metric') };
}

function bestIterationOf(trajectory: Trajectory): number | null {
  const sign = trajectory.metric.goal === 'minimize' ? 1 : -1;
  let best = trajectory.baseline.value === null ? Infinity : sign * trajectory.baseline.value;
  let iteration: number | null = null;
  for (const record of trajectory.records)
    if (canBeBest(record) && sign * record.metric < best) {
      best = sign * record.metric;
      iteration = record.iteration;
    }
  return iteration;
}

function constantMetricOf(trajectory: Trajectory): HealthEvidence['constantMetric'] {
  const evaluated = trajectory.records.filter(isEvaluated);
  const [first] = evaluated;
  if (!first || evaluated.some((record) => record.metric !== first.metric)) return null;
  const pairs = new Set(
    evaluated.flatMap((record) =>
      record.proposal === null || isBaselineAgain(trajectory, record)
        ? []
        : [JSON.stringify([record.proposal.knob, record.proposal.newValue])],
    ),
  );
  return { value: first.metric, pairs: pairs.size };
}
