import { listEvaluatedValues, listLastValues, type MeasurementRow, type Queryable, type RunRow } from '@nightshift/db';
import type { GuardValues } from '../decision/guard.js';
import { mean } from '../decision/noise.js';

/** Code mode with an evaluator: what edited code prints of itself is no measurement, of a guard no more than of the metric. */
export function hasSealedMeasurement(spec: RunRow['spec']): boolean {
  return spec.edit !== null && spec.job.evaluate !== null;
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
  const last = hasSealedMeasurement(run.spec)
    ? await listEvaluatedValues(q, run.id, names)
    : await listLastValues(q, run.id, names);
  const keyOf = new Map(compared.map((row) => [row.jobId, row.configKey]));
  const meanOf = (name: string, configKey: string): number | null => {
    const values = last.filter((row) => row.name === name && keyOf.get(row.jobId) === configKey);
    return values.length === 0 ? null : mean(values.map((row) => row.value));
  };
  return Object.fromEntries(
    names.map((name) => [name, { candidate: meanOf(name, candidateKey), comparator: meanOf(name, comparatorKey) }]),
  );
}
