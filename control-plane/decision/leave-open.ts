import type { Decision } from '@nightshift/protocol';
import type { DecideInput } from './decide.js';
import { weigh } from './evidence.js';

/** The decision about a candidate that cannot be compared, for a reason that no further measurement removes: inconclusive, with the figures that there are. */
export function leaveOpen(
  input: Pick<DecideInput, 'goal' | 'compare' | 'rule' | 'candidate' | 'comparator' | 'groups'>,
  why: string,
): Decision {
  const evidence = weigh(input, input.candidate, input.comparator, input.groups);
  return { outcome: 'inconclusive', ...evidence.decision, reason: `${why[0]?.toUpperCase() ?? ''}${why.slice(1)}.` };
}
