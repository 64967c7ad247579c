import { codeKeyOf, configKey, type Config, type Menu, type Trajectory, type Trial } from '@nightshift/protocol';
import { listMeasurements, type MeasurementRow, type Queryable, type RunRow } from '@nightshift/db';
import { checkGuards } from '../decision/guard.js';
import { mean } from '../decision/noise.js';
import { frontsOf } from '../search/index.js';
import type { Comparator } from './comparator.js';
import { guardValues } from './guard-values.js';

/** The front (search/front.ts) and the iteration that measured it, 0 for the baseline; null: it is what candidates are compared with. */
export interface Front {
  config: Config;
  iteration: number | null;
}

/**
 * The front of a run. Only what a candidate could stand on and be kept: decided, on the same code, measured where the comparator
 * was (another box's numbers compare with nothing), and within the guards. Chance is the control and stays at what it is compared
 * with, and so does a run that compares each change with the baseline.
 */
export async function frontOfRun(
  q: Queryable,
  run: RunRow,
  of: { menu: Menu; trajectory: Trajectory; comparator: Comparator; noiseSd: number | null },
): Promise<Front> {
  const { decision, proposer, metric } = run.spec;
  const { menu, trajectory, comparator, noiseSd } = of;
  const bottom: Front = { config: comparator.config, iteration: null };
  if (!decision.stack || decision.compare === 'baseline' || proposer.kind === 'random') return bottom;
  const compared = onFingerprintOf(comparator.key, await listMeasurements(q, run.id));
  const iterationOf = new Map<string, number>([[configKey(run.baselineConfig), 0]]);
  for (const { config, outcome, iteration } of trajectory.records) {
    if (config === null) continue;
    if (outcome === 'kept' || outcome === 'reverted' || outcome === 'inconclusive')
      iterationOf.set(configKey(config), iteration);
    // A replicate that crashed: it may train again, and may not.
    else if (outcome === 'failed') iterationOf.delete(configKey(config));
  }
  const groups = new Map<string, { config: Config; key: string; values: number[] }>();
  for (const { configKey: key, config, metric: value } of compared) {
    if (codeKeyOf(key) !== comparator.codeKey) continue;
    const group = groups.get(key) ?? { config, key, values: [] };
    group.values.push(value);
    groups.set(key, group);
  }
  const trials = [...groups.values()]
    .filter(({ config, key }) => key === comparator.key || iterationOf.has(configKey(config)))
    .map(({ config, values }): Trial => ({ config, value: mean(values), n: values.length, state: 'complete' }));
  for (const config of frontsOf({ menu, base: comparator.config, trials, goal: metric.goal, noiseSd })) {
    const key = [...groups.values()].find((group) => group.config === config)?.key ?? '';
    if (!(await isWithinGuards(q, run, compared, key, comparator.key))) continue;
    return { config, iteration: iterationOf.get(configKey(config)) ?? null };
  }
  return bottom;
}

// The fingerprint under which the comparator was measured most often.
function onFingerprintOf(comparatorKey: string, rows: MeasurementRow[]): MeasurementRow[] {
  const counts = new Map<string | null, number>();
  for (const row of rows)
    if (row.configKey === comparatorKey) counts.set(row.fingerprint, (counts.get(row.fingerprint) ?? 0) + 1);
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most === undefined ? [] : rows.filter((row) => row.fingerprint === most[0]);
}

async function isWithinGuards(
  q: Queryable,
  run: RunRow,
  compared: MeasurementRow[],
  key: string,
  comparatorKey: string,
): Promise<boolean> {
  const guards = run.spec.guard ?? [];
  if (guards.length === 0) return true;
  return checkGuards(guards, await guardValues(q, run, compared, key, comparatorKey)).length === 0;
}
