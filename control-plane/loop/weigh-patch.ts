import type { CodeProposal, Decision } from '@nightshift/protocol';
import type { IterationRow, RunRow } from '@nightshift/db';
import { weighSimplicity } from '../patch/index.js';

/**
 * Code mode: what the spec's weight of simplicity makes of a decision. Equal and simpler is kept; a gain that is less than the code
 * costs is not. The inputs of the rule are stored with the decision. Pure.
 */
export function weighPatch(
  run: Pick<RunRow, 'spec'>,
  iteration: Pick<IterationRow, 'patch'>,
  decision: Decision,
): Decision {
  const weight = run.spec.decision.simplicity ?? 0;
  const proposal = iteration.patch as (CodeProposal & { complexityDelta?: number }) | null;
  if (weight === 0 || !proposal || decision.effect === null) return decision;
  const { added, removed } = proposal.patch;
  const verdict = weighSimplicity({
    effect: decision.effect,
    standardError: decision.standardError ?? 0,
    added,
    removed,
    complexityDelta: proposal.complexityDelta ?? 0,
    weight,
  });
  const simplicity = { ...verdict.inputs, growth: verdict.growth, price: verdict.price };
  if (verdict.outcome === 'simpler-kept')
    return {
      ...decision,
      outcome: 'keep',
      simplicity,
      reason: `Equal and simpler (${removed} lines removed, ${added} added): kept. ${decision.reason}`,
    };
  if (verdict.outcome === 'too-much-code' && decision.outcome === 'keep')
    return {
      ...decision,
      outcome: 'revert',
      simplicity,
      reason: `A gain too small for its code (${added} lines added, ${removed} removed): reverted. ${decision.reason}`,
    };
  return { ...decision, simplicity };
}
