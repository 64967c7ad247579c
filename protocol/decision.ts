/** What was decided about a candidate, with the figures that it rests on. Effects are fractions of the comparator's mean; positive is better. */
export interface Decision {
  outcome: 'keep' | 'revert' | 'inconclusive';
  /** What it was compared with. */
  comparator: 'incumbent' | 'baseline';
  comparatorMean: number | null;
  comparatorN: number;
  candidateMean: number | null;
  candidateN: number;
  /** Relative improvement over the comparator; null when there is no measurement. */
  effect: number | null;
  /** Standard error of `effect`; null while the noise is unknown. */
  standardError: number | null;
  /** Pooled standard deviation of one measurement, as a fraction of the comparator's mean, and its degrees of freedom. */
  noiseSd: number | null;
  degreesOfFreedom: number;
  /** Probability that the true effect exceeds `minImprovement`; null while the noise is unknown. */
  probability: number | null;
  /** Code mode: what the rule of simplicity was told, when the spec weighs it. */
  simplicity?: {
    added: number;
    removed: number;
    complexityDelta: number;
    weight: number;
    growth: number;
    price: number;
  };
  /** The guards that made a revert of what would have been kept, by name; left out where none did. */
  guards?: string[];
  /** One sentence for people and for the proposer. */
  reason: string;
}
