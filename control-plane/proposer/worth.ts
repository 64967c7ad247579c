import type { IterationOutcome } from '@nightshift/protocol';

/**
 * What the parts of a prompt are worth to the next proposal, 0 to 100: when the budget is short, the least goes
 * first. Age plays no part; equal worth leaves the table's order to decide.
 */
export const WORTH = {
  notes: 97,
  recentLine: 92,
  failure: 90,
  belief: 80,
  beliefDetail: 48,
  knobDoc: 76,
  reason: 70,
  decision: 64,
  outweighed: 62,
  curve: 60,
};

/** How far a difference stands out of the noise: 0 at nothing, 1 from three standard deviations on. */
function clarity(effect: number | null, noise: number): number {
  return effect === null ? 0 : Math.min(1, Math.abs(effect) / (3 * noise));
}

/**
 * A row of the table. The best (of all, of its knob) and what was kept show where to go, a failure where not to; a clear loss says more
 * than a difference within the noise; and what would be refused as a repeat is worth naming.
 */
export function pairWorth(
  row: {
    isBest: boolean;
    isBestOfKnob: boolean;
    isRepeat: boolean;
    outcomes: IterationOutcome[];
    causes: string[];
    broken: readonly unknown[];
    effect: number | null;
  },
  noise: number,
): number {
  if (row.isBest) return 100;
  const repeat = row.isRepeat ? 12 : 0;
  if (row.outcomes.includes('kept')) return 88 + repeat / 2;
  if (row.isBestOfKnob) return 82 + repeat / 2;
  if (row.causes.length > 0 || row.broken.length > 0) return 78 + repeat / 2;
  if (row.outcomes.includes('screened_out')) return 45 + repeat;
  if (row.outcomes.includes('inconclusive')) return 50 + 15 * clarity(row.effect, noise) + repeat;
  return 20 + 35 * clarity(row.effect, noise) + repeat;
}

/** An old iteration's own line. Its figures are in the table already: only its gist is new, so it ranks below a row like it. */
export function olderWorth(outcome: IterationOutcome, effect: number | null, noise: number): number {
  if (outcome === 'kept') return 60 + 8 * clarity(effect, noise);
  if (outcome === 'failed') return 52;
  if (outcome === 'blocked') return 5;
  if (outcome === 'screened_out') return 30;
  return (outcome === 'inconclusive' ? 25 : 10) + 25 * clarity(effect, noise);
}
