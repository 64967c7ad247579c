import type {
  BlockedTry,
  Config,
  Goal,
  GuardReading,
  Menu,
  MetricPoint,
  OutweighedTry,
  Proposal,
  TrajectoryRecord,
} from '@nightshift/protocol';

/** Everything a prompt is built from. Nothing else enters: the same input gives the same bytes. */
export interface PromptInput {
  project: string;
  metric: { name: string; goal: Goal; bounds: [number, number] | null };
  menu: Menu;
  /** What the next candidate will be compared with. */
  comparator: { which: 'incumbent' | 'baseline'; config: Config; value: number | null; n: number };
  /** The configuration that one knob of is changed, and the iteration that measured it (0: the baseline); left out or null: the comparator. */
  front?: { config: Config; iteration: number | null } | undefined;
  /** `sd`: standard deviation of one measurement, in the metric's unit; null while unknown. */
  baseline: { value: number | null; n: number; sd: number | null };
  records: readonly TrajectoryRecord[];
  /** Training curves of the last iterations, by iteration; each is told in one line. */
  curves?: Readonly<Record<number, readonly MetricPoint[]>>;
  /** How measured configurations stand to the run's guards, by `configKey`; left out or empty where there are none. */
  guards?: Readonly<Record<string, readonly GuardReading[]>> | undefined;
  /** Proposals accepted and not yet measured: they train now, or wait for a box. */
  pending?: readonly Proposal[];
  /** What the sampler believes: any plain value; its top-level keys become lines. Null when there is none. */
  belief: unknown;
  /** Strategy notes of the person who runs the project. */
  notes: string | null;
  /** What was refused in this iteration so far, oldest first. */
  blocked: readonly BlockedTry[];
  /** What passed the rails in this turn, and the sampler's model saw too little in. */
  outweighed?: readonly OutweighedTry[] | undefined;
  budgetTokens: number;
}
