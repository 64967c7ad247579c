import { codeKeyOf, measureKey, type Config, type Menu, type Trial } from '@nightshift/protocol';
import { listIterations, listMeasurements, type MeasurementRow, type Queryable, type RunRow } from '@nightshift/db';
import { checkGuards } from '../decision/guard.js';
import { mean } from '../decision/noise.js';
import { frontsOf } from '../search/index.js';
import type { Comparator } from './comparator.js';
import { guardValues } from './guard-values.js';
import { whereMostMeasured } from './where-most-measured.js';

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
  of: { menu: Menu; comparator: Comparator; noiseSd: number | null },
): Promise<Front> {
  const { decision, proposer, metric } = run.spec;
  const { menu, comparator, noiseSd } = of;
  const bottom: Front = { config: comparator.config, iteration: null };
  if (!decision.stack || decision.compare === 'baseline' || proposer.kind === 'random') return bottom;
  const compared = whereMostMeasured(comparator.key, await listMeasurements(q, run.id));
  // By measure key: the same knobs on other code are another configuration.
  const iterationOf = new Map<string, number>([[run.baselineKey, 0]]);
  for (const { configKey: key, state, number } of await listIterations(q, run.id)) {
    if (key === null) continue;
    if (state === 'kept' || state === 'reverted' || state === 'inconclusive') iterationOf.set(key, number);
    // A replicate that crashed: it may train again, and may not.
    else if (state === 'failed') iterationOf.delete(key);
  }
  const groups = new Map<string, { config: Config; values: number[] }>();
  for (const { configKey: key, config, metric: value } of compared) {
    if (codeKeyOf(key) !== comparator.codeKey || !(key === comparator.key || iterationOf.has(key))) continue;
    const group = groups.get(key) ?? { config, values: [] };
    group.values.push(value);
    groups.set(key, group);
  }
  const trials = [...groups.values()].map(({ config, values }): Trial => ({
    config,
    value: mean(values),
    n: values.length,
    state: 'complete',
  }));
  for (const config of frontsOf({ menu, base: comparator.config, trials, goal: metric.goal, noiseSd })) {
    const key = measureKey(config, comparator.codeKey);
    if (await isWithinGuards(q, run, compared, key, comparator.key))
      return { config, iteration: iterationOf.get(key) ?? null };
  }
  return bottom;
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
