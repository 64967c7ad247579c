import type { Goal } from '@nightshift/protocol';
import { decide } from '@nightshift/control-plane/decision/index';

/** What a rule sees of a candidate: all measurements of both sides, and of every configuration of the run. */
export interface Case {
  goal: Goal;
  candidate: readonly number[];
  incumbent: readonly number[];
  groups: readonly (readonly number[])[];
  decisionsSoFar: number;
  plannedDecisions: number;
}
export type Verdict = 'keep' | 'revert' | 'measure candidate' | 'measure incumbent';

/** How a loop decides. `baselineReplicates` is what it measures before the first candidate. */
export interface KeepRule {
  name: string;
  baselineReplicates: number;
  /** Measurements of what was chosen after the search, and as many of the baseline, out of the same budget. */
  confirm: number;
  judge(given: Case): Verdict;
}

/** Smallest improvement worth a keep, as a fraction of the incumbent: the same for both rules. */
export const MIN_IMPROVEMENT = 0.001;
/** One minus this is our budget of false keeps for a whole run. */
export const CONFIDENCE = 0.9;
const MAX_REPLICATES = 3;

/** The decision room, asked as the loop asks it. */
export const ourRule: KeepRule = {
  name: 'our',
  baselineReplicates: 3,
  confirm: 2,
  judge({ candidate, incumbent, ...rest }) {
    const ruling = decide({
      ...rest,
      compare: 'incumbent',
      rule: { minImprovement: MIN_IMPROVEMENT, confidence: CONFIDENCE, maxReplicates: MAX_REPLICATES },
      candidate,
      comparator: incumbent,
    });
    if (ruling.kind === 'measure') return ruling.role === 'replicate' ? 'measure candidate' : 'measure incumbent';
    return ruling.decision.outcome === 'keep' ? 'keep' : 'revert';
  },
};

/** The field's rule: one measurement a side, the newest, and whatever is better by the smallest improvement is kept. */
export const naiveRule: KeepRule = {
  name: 'naive',
  baselineReplicates: 1,
  confirm: 0,
  judge({ goal, candidate, incumbent }) {
    const [mine, theirs] = [candidate.at(-1) as number, incumbent.at(-1) as number];
    const gain = (goal === 'minimize' ? theirs - mine : mine - theirs) / Math.abs(theirs);
    return gain > MIN_IMPROVEMENT ? 'keep' : 'revert';
  },
};
