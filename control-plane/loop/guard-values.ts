import type { GuardReading } from '@nightshift/protocol';
import {
  listEvaluatedValues,
  listLastValues,
  listUntoldJobs,
  type MeasurementRow,
  type Queryable,
  type RunRow,
} from '@nightshift/db';
import { guardReadings, type GuardValues, type GuardViolation } from '../decision/guard.js';
import { mean } from '../decision/noise.js';

/** Code mode with an evaluator: what edited code prints of itself is no measurement, of a guard no more than of the metric. */
export function hasSealedMeasurement(spec: RunRow['spec']): boolean {
  return spec.edit !== null && spec.job.evaluate !== null;
}

/**
 * How each measured configuration stands to the guards' limits, by its key. Where the agent is too old to tell what the evaluator
 * reported, nothing is known of a guard, and the configuration is left out.
 */
export async function guardReadingsByKey(
  q: Queryable,
  run: RunRow,
  compared: readonly MeasurementRow[],
  comparatorKey: string,
): Promise<Map<string, GuardReading[]>> {
  const guards = run.spec.guard ?? [];
  if (guards.length === 0) return new Map();
  const meanOf = await guardMeans(q, run, compared);
  const untold = hasSealedMeasurement(run.spec)
    ? new Set((await listUntoldJobs(q, run.id)).map(({ jobId }) => jobId))
    : new Set<string>();
  const names = [...new Set(guards.map((guard) => guard.name))];
  const keys = new Set(compared.filter((row) => !untold.has(row.jobId)).map((row) => row.configKey));
  return new Map(
    [...keys].map((key) => {
      const values = names.map((name) => [
        name,
        { candidate: meanOf(name, key), comparator: meanOf(name, comparatorKey) },
      ]);
      return [key, guardReadings(guards, Object.fromEntries(values) as Record<string, GuardValues>)];
    }),
  );
}

/** Means of the guard metrics' last values over the attempts that were compared. */
export async function guardValues(
  q: Queryable,
  run: RunRow,
  compared: MeasurementRow[],
  candidateKey: string,
  comparatorKey: string,
): Promise<Record<string, GuardValues>> {
  const names = [...new Set((run.spec.guard ?? []).map((guard) => guard.name))];
  const meanOf = await guardMeans(q, run, compared);
  return Object.fromEntries(
    names.map((name) => [name, { candidate: meanOf(name, candidateKey), comparator: meanOf(name, comparatorKey) }]),
  );
}

async function guardMeans(
  q: Queryable,
  run: RunRow,
  compared: readonly MeasurementRow[],
): Promise<(name: string, configKey: string) => number | null> {
  const names = [...new Set((run.spec.guard ?? []).map((guard) => guard.name))];
  const last = hasSealedMeasurement(run.spec)
    ? await listEvaluatedValues(q, run.id, names)
    : await listLastValues(q, run.id, names);
  const keyOf = new Map(compared.map((row) => [row.jobId, row.configKey]));
  return (name, configKey) => {
    const values = last.filter((row) => row.name === name && keyOf.get(row.jobId) === configKey);
    return values.length === 0 ? null : mean(values.map((row) => row.value));
  };
}

/**
 * Why all of these violations say nothing of the candidate: an agent from before guards of sealed code reports no figures of the
 * evaluator. Null when a guard is broken, or is missing although the agent would have told it.
 */
export async function whyUntold(
  q: Queryable,
  run: RunRow,
  compared: MeasurementRow[],
  violations: readonly GuardViolation[],
  keys: { candidate: string; comparator: string },
): Promise<string | null> {
  if (violations.length === 0 || !hasSealedMeasurement(run.spec)) return null;
  const untold = new Map((await listUntoldJobs(q, run.id)).map(({ jobId, box }) => [jobId, box]));
  const boxes = violations.map(({ rule, value }) => {
    if (rule !== 'missing') return [];
    const key = value === null ? keys.candidate : keys.comparator;
    return compared.flatMap((row) => (row.configKey === key ? (untold.get(row.jobId) ?? []) : []));
  });
  if (boxes.some((names) => names.length === 0)) return null;
  return `The guards could not be checked: the agent of ${[...new Set(boxes.flat())].join(', ')} is too old to tell what the evaluator reported; upgrade it.`;
}
