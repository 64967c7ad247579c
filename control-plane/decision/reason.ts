import type { Decision } from '@nightshift/protocol';
import type { Evidence } from './evidence.js';

export type Cause = 'unmeasured' | 'noise-unknown' | 'exact' | 'kept' | 'quarantined' | 'limit' | 'hopeless';

/** One sentence for people and for the proposer. */
export function explain(evidence: Evidence, outcome: Decision['outcome'], cause: Cause): string {
  const { decision, effect } = evidence;
  if (cause === 'unmeasured')
    return `The ${decision.candidateN === 0 ? 'candidate' : decision.comparator} has no measurement.`;
  const amount = (value: number) => (evidence.isRelative ? `${digits(value * 100)}%` : digits(value));
  const size = effect === 0 ? 'Equal to' : `${amount(Math.abs(effect))} ${effect > 0 ? 'better than' : 'worse than'}`;
  const error =
    decision.standardError === null
      ? ''
      : decision.standardError === 0
        ? 'no noise, '
        : `standard error ${amount(decision.standardError)}, `;
  const figures = `${size} the ${decision.comparator} (${error}n ${decision.candidateN} against ${decision.comparatorN})`;
  return `${figures}: ${verdict(evidence, outcome, cause, amount(evidence.minImprovement))}.`;
}

function verdict({ decision, effect }: Evidence, outcome: Decision['outcome'], cause: Cause, asked: string): string {
  const chance = `${Math.round((decision.probability ?? 0) * 100)}%`;
  if (outcome === 'keep')
    return cause === 'exact' ? `above the ${asked} asked for, kept` : `above ${asked} with probability ${chance}, kept`;
  if (cause === 'quarantined') return 'too good to be believed on one measurement, and no replicate is allowed';
  if (outcome === 'inconclusive' && cause === 'noise-unknown')
    return 'nothing was measured twice, and no more measurements are possible';
  if (outcome === 'inconclusive')
    return cause === 'limit'
      ? `above ${asked} with probability ${chance}, and the limit of measurements is reached`
      : `above ${asked} with probability ${chance}, and more measurements would hardly settle it`;
  if (effect <= 0) return 'reverted';
  if (cause === 'exact' || cause === 'noise-unknown') return `not above the ${asked} asked for, reverted`;
  return `above ${asked} with probability ${chance} only, reverted`;
}

function digits(value: number): string {
  return value === 0 ? '0' : String(Number(value.toPrecision(3)));
}
