import type { MeasurementRow } from '@nightshift/db';

/** The rows of the fingerprint under which `configKey` was measured most often: only what ran on the same thing may be compared. All of them when it was not measured. */
export function whereMostMeasured(configKey: string, rows: readonly MeasurementRow[]): MeasurementRow[] {
  const counts = new Map<string | null, number>();
  for (const row of rows)
    if (row.configKey === configKey) counts.set(row.fingerprint, (counts.get(row.fingerprint) ?? 0) + 1);
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return rows.filter((row) => most === undefined || row.fingerprint === most[0]);
}
