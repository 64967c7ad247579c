import {
  configKey,
  holdsGuard,
  pairKey,
  type Config,
  type Goal,
  type GuardReading,
  type IterationOutcome,
  type KnobValue,
  type TrajectoryRecord,
} from '@nightshift/protocol';
import { isBetter } from '../trajectory/measurements.js';
import { pairWorth } from './worth.js';

/** Everything measured of one (knob, value) pair on one configuration. */
export interface PairRow {
  knob: string;
  value: KnobValue;
  config: Config | null;
  n: number;
  mean: number | null;
  /** Fraction of the comparator (else of the baseline), positive is better; the mean over its iterations. */
  effect: number | null;
  outcomes: IterationOutcome[];
  causes: string[];
  /** The guards that this configuration breaks: it is never kept. */
  broken: readonly GuardReading[];
  iterations: number[];
  /** Changing the configuration "now" so would measure exactly this configuration again. */
  isRepeat: boolean;
  isBest: boolean;
  /** The best mean among the rows of its knob. */
  isBestOfKnob: boolean;
  worth: number;
}

/** Relative improvement over a reference, positive is better; null when either is not known. */
export function relativeEffect(goal: Goal, value: number | null, reference: number | null): number | null {
  if (value === null || reference === null || reference === 0) return null;
  return (goal === 'minimize' ? reference - value : value - reference) / Math.abs(reference);
}

/** The table of tried pairs: one row for each pair and configuration, in the order in which they were first tried. */
export function pairTable(input: {
  records: readonly TrajectoryRecord[];
  goal: Goal;
  /** The configuration that the next proposal changes. */
  now: Config;
  baselineValue: number | null;
  /** Standard deviation of one measurement as a fraction; what is within it says little. */
  noise: number;
  guards?: Readonly<Record<string, readonly GuardReading[]>> | undefined;
}): PairRow[] {
  const rows = new Map<string, PairRow & { sum: number; effects: number[] }>();
  const wouldRepeat = ({ config, proposal }: TrajectoryRecord) =>
    proposal !== null && isRepeat(config, input.now, proposal.knob, proposal.newValue);
  for (const record of input.records) {
    const { proposal } = record;
    if (!proposal || record.outcome === 'blocked') continue;
    const key = `${pairKey(proposal.knob, proposal.newValue)}${record.config ? configKey(record.config) : ''}`;
    let row = rows.get(key);
    if (!row) {
      row = {
        knob: proposal.knob,
        value: proposal.newValue,
        config: record.config,
        n: 0,
        mean: null,
        effect: null,
        outcomes: [],
        causes: [],
        broken: brokenBy(record.config, input.guards),
        iterations: [],
        isRepeat: false,
        isBest: false,
        isBestOfKnob: false,
        worth: 0,
        sum: 0,
        effects: [],
      };
      rows.set(key, row);
    }
    const own = record.values.length > 0 ? record.values : record.metric === null ? [] : [record.metric];
    const values = [...own, ...(record.audits ?? [])];
    row.n += values.length;
    row.sum += values.reduce((a, b) => a + b, 0);
    // Given up at the cheap budget is not measured: to propose it again is no repeat.
    if (record.outcome !== 'screened_out') row.isRepeat ||= wouldRepeat(record);
    row.iterations.push(record.iteration);
    if (!row.outcomes.includes(record.outcome)) row.outcomes.push(record.outcome);
    if (record.failure !== null && !row.causes.includes(record.failure)) row.causes.push(record.failure);
    const effect = record.decision?.effect ?? relativeEffect(input.goal, record.metric, input.baselineValue);
    if (effect !== null && Number.isFinite(effect)) row.effects.push(effect);
  }
  const list = [...rows.values()];
  for (const row of list) {
    row.mean = row.n > 0 ? row.sum / row.n : null;
    row.effect = row.effects.length > 0 ? row.effects.reduce((a, b) => a + b, 0) / row.effects.length : null;
  }
  const isAhead = (a: PairRow, b: PairRow) => isBetter(input.goal, a.mean as number, b.mean as number);
  const bests = new Map<string, PairRow>();
  for (const row of list) {
    if (row.mean === null || !Number.isFinite(row.mean) || row.broken.length > 0) continue;
    const old = bests.get(row.knob);
    if (!old || isAhead(row, old)) bests.set(row.knob, row);
  }
  for (const row of bests.values()) row.isBestOfKnob = true;
  const best = [...bests.values()].reduce<PairRow | null>((a, b) => (a === null || isAhead(b, a) ? b : a), null);
  if (best) best.isBest = true;
  return list.map(({ sum: _sum, effects: _effects, ...row }) => ({ ...row, worth: pairWorth(row, input.noise) }));
}

function brokenBy(
  config: Config | null,
  guards: Readonly<Record<string, readonly GuardReading[]>> = {},
): readonly GuardReading[] {
  const readings = config === null ? undefined : guards[configKey(config)];
  return (readings ?? []).filter((reading) => !holdsGuard(reading));
}

function isRepeat(config: Config | null, now: Config, knob: string, value: KnobValue): boolean {
  // A source that does not say what ran can only be taken at its word: the pair was tried.
  return config === null || configKey(config) === configKey({ ...now, [knob]: value });
}
