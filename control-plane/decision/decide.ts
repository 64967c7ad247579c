import type { Decision, Goal } from '@nightshift/protocol';
import { makeBars } from './bars.js';
import { tooGood } from './check-metric.js';
import { weigh, type Evidence } from './evidence.js';
import { explain, type Cause } from './reason.js';

export interface DecideInput {
  goal: Goal;
  compare: 'incumbent' | 'baseline';
  /** `minImprovement` is a fraction of the comparator; `maxReplicates` is measurements of one candidate at most. */
  rule: { minImprovement: number; confidence: number; maxReplicates: number };
  /** All measurements of the candidate's configuration: repeats are replicates. */
  candidate: readonly number[];
  /** All measurements of the comparator's configuration. */
  comparator: readonly number[];
  /** All measurements of this run grouped by configuration, candidate and comparator included. */
  groups: readonly (readonly number[])[];
  /** Candidates decided so far in this run. */
  decisionsSoFar: number;
  /** How many candidates the run will decide at most, when that is known. */
  plannedDecisions: number | null;
  /** False when the comparator cannot be measured again (its last try failed): the decision is then made with what there is. True when left out. */
  canMeasureComparator?: boolean | undefined;
}
export type Ruling =
  | { kind: 'decided'; decision: Decision }
  /** One more measurement is worth its time: of the candidate (`replicate`) or of the configuration that it is compared with. */
  | { kind: 'measure'; role: 'replicate' | 'comparator'; why: string };

/** More is measured only when it turns a candidate into a keep with at least this probability. */
const WORTHWHILE_CHANCE = 0.1;

/**
 * Keeps, reverts, leaves open, or asks for one more measurement. Deterministic; values that are not finite are no measurements
 * and are left out. Ends after at most `maxReplicates` measurements of the candidate and a few of the comparator.
 *
 * A candidate is kept when it is probably better by more than `minImprovement` (with `confidence`) and surely better at all
 * (with what the run-wide budget of false keeps leaves for this decision and this look). Formulas, sources and what is promised:
 * docs/decisions.md.
 */
export function decide(input: DecideInput): Ruling {
  const candidate = input.candidate.filter(Number.isFinite);
  const comparator = input.comparator.filter(Number.isFinite);
  const groups = input.groups.map((values) => values.filter(Number.isFinite));
  const limit = Math.max(1, Math.floor(input.rule.maxReplicates));
  const evidence = weigh(input, candidate, comparator, groups);
  if (candidate.length === 0) return decided(evidence, 'inconclusive', 'unmeasured');
  const canAskComparator = input.canMeasureComparator ?? true;
  if (comparator.length === 0) {
    if (!canAskComparator) return decided(evidence, 'inconclusive', 'unmeasured');
    return { kind: 'measure', role: 'comparator', why: `the ${input.compare} has no measurement yet` };
  }

  const { effect, noise } = evidence;
  const { minImprovement } = input.rule;
  if (noise === null) {
    if (effect <= minImprovement) return decided(evidence, 'revert', 'noise-unknown');
    const role = candidate.length < limit ? 'replicate' : 'comparator';
    if (role === 'comparator' && !canAskComparator) return decided(evidence, 'inconclusive', 'noise-unknown');
    return { kind: 'measure', role, why: 'nothing was measured twice yet, so that the noise is unknown' };
  }
  const isGood = effect > minImprovement;
  if (noise.sd === 0) return decided(evidence, isGood ? 'keep' : 'revert', 'exact');

  const counts = { candidate: candidate.length, comparator: comparator.length, df: evidence.decision.degreesOfFreedom };
  const bars = makeBars(input, evidence, noise, limit);
  const isLast = counts.candidate >= limit;
  const needed = canAskComparator ? bars.lastLook(counts).comparator : counts.comparator;
  // One look for each measurement of the candidate, once the comparator is measured well enough for it.
  const isReady = counts.comparator >= (isLast ? needed : Math.min(counts.candidate, needed));
  if (effect >= bars.at(counts, isReady)) {
    const why = tooGood({ goal: input.goal, candidate, comparator, groups, noiseSd: noise.sd });
    if (why === null) return decided(evidence, 'keep', 'kept');
    if (isLast) return decided(evidence, 'inconclusive', 'quarantined');
    return { kind: 'measure', role: 'replicate', why };
  }
  const chance = effect > 0 ? bars.chance(effect, counts) : 0;
  if (chance >= WORTHWHILE_CHANCE && !(isLast && isReady)) {
    const odds = `a keep has a chance of ${Math.round(chance * 100)}%`;
    return isReady
      ? { kind: 'measure', role: 'replicate', why: `another measurement can decide it: ${odds}` }
      : { kind: 'measure', role: 'comparator', why: `the ${input.compare} is measured too few times to tell: ${odds}` };
  }
  return decided(evidence, isGood ? 'inconclusive' : 'revert', isLast ? 'limit' : 'hopeless');
}

function decided(evidence: Evidence, outcome: Decision['outcome'], cause: Cause): Ruling {
  return { kind: 'decided', decision: { outcome, ...evidence.decision, reason: explain(evidence, outcome, cause) } };
}
