import { pairKey, type KnobValue, type Trajectory, type TrajectoryRecord } from '@nightshift/protocol';
import { improvementOver, isBetter, meanOf, measurementsOf, PATCH_KNOB, replicateKey } from './measurements.js';
import { baselineMeasurements } from './replicated.js';
import { standsOnOf } from './standing.js';

/** One row of the table of everything tried: a pair in one configuration, as far as the source names them, with all its measurements. */
export interface TriedRow {
  knob: string;
  value: KnobValue;
  /** What the change was made to: an iteration, 0 for the baseline; null for a change of the baseline as such and where not known. */
  standsOn: number | null;
  proposed: number;
  n: number;
  mean: number | null;
  /** Against the mean of all measurements equal to the baseline. */
  improvement: number | null;
  kept: number;
  reverted: number;
  inconclusive: number;
  failed: number;
  blocked: number;
  screened_out: number;
}

type OpenRow = TriedRow & { values: number[] };

/** Everything that was proposed, best mean first; what was never measured comes last. */
export function triedRows(trajectory: Trajectory): TriedRow[] {
  const rows = new Map<string, OpenRow>();
  const firstOfPair = new Map<string, OpenRow>();
  // What never ran has no configuration: it stands with the first that its pair ran in.
  const neverRan = ({ outcome, config }: TrajectoryRecord) => outcome === 'blocked' && config === null;
  const { records } = trajectory;
  for (const record of [...records.filter((one) => !neverRan(one)), ...records.filter(neverRan)]) {
    const { proposal } = record;
    if (proposal === null) continue;
    const pair = pairKey(proposal.knob, proposal.newValue);
    const key = neverRan(record) ? pair : replicateKey(proposal, record);
    const row = (neverRan(record) ? firstOfPair : rows).get(key) ?? openRow(record, proposal);
    rows.set(key, row);
    if (!firstOfPair.has(pair)) firstOfPair.set(pair, row);
    row.proposed += 1;
    row[record.outcome] += 1;
    row.values.push(...measurementsOf(record));
    if (!neverRan(record)) row.standsOn ??= standsOnOf(trajectory, record);
  }
  const base = meanOf(baselineMeasurements(trajectory));
  const { goal } = trajectory.metric;
  return [...new Set(rows.values())]
    .map(({ values, ...row }) => {
      const mean = meanOf(values);
      return { ...row, n: values.length, mean, improvement: mean === null ? null : improvementOver(goal, base, mean) };
    })
    .sort((a, b) => {
      if (a.mean === null || b.mean === null) return a.mean === b.mean ? 0 : a.mean === null ? 1 : -1;
      return a.mean === b.mean ? 0 : isBetter(goal, a.mean, b.mean) ? -1 : 1;
    });
}

function openRow(record: TrajectoryRecord, { knob, newValue }: NonNullable<TrajectoryRecord['proposal']>): OpenRow {
  return {
    knob,
    value: knob === PATCH_KNOB ? (record.description ?? newValue) : newValue,
    standsOn: null,
    proposed: 0,
    n: 0,
    mean: null,
    improvement: null,
    kept: 0,
    reverted: 0,
    inconclusive: 0,
    failed: 0,
    blocked: 0,
    screened_out: 0,
    values: [],
  };
}
