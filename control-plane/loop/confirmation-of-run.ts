import type { Trajectory } from '@nightshift/protocol';
import { listMeasurements, type Queryable, type RunRow } from '@nightshift/db';

/**
 * What was measured of a run's choice after its search, and the baseline's measurements that it may be set against: those of the
 * same fingerprint. Null until all of it is there (half a confirmation is none), and where it ran on something else than what the
 * incumbent was chosen on: another box, driver or budget.
 */
export async function confirmationOf(q: Queryable, run: RunRow): Promise<Trajectory['confirmation']> {
  const { searchEnd, incumbentIteration, incumbentKey, baselineKey } = run;
  if (searchEnd === null || incumbentIteration === null) return null;
  const ids = new Set(searchEnd.jobIds);
  const rows = await listMeasurements(q, run.id);
  const anew = rows.filter((row) => ids.has(row.jobId));
  const chosenBy = rows.filter((row) => row.configKey === incumbentKey && !ids.has(row.jobId));
  const fingerprint = anew[0]?.fingerprint ?? null;
  if (anew.length < ids.size || anew.length === 0) return null;
  if (anew.some((row) => row.fingerprint !== fingerprint)) return null;
  if (!chosenBy.some((row) => row.fingerprint === fingerprint)) return null;
  return {
    iteration: incumbentIteration,
    values: anew.map((row) => row.metric),
    baseline: rows
      .filter((row) => row.configKey === baselineKey && row.fingerprint === fingerprint)
      .map((row) => row.metric),
  };
}
