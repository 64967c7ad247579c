import type { Trajectory } from '@nightshift/protocol';
import { listJobsOfRun, listMeasurements, type Queryable, type RunRow } from '@nightshift/db';

/**
 * What was measured after a run's search of its choice, and of the baseline beside it. Or why there is none: half a confirmation
 * confirms nothing, nor does one that ran on something else than what the incumbent was chosen on (another box, driver or budget).
 * Empty before the end of the search and while it is being measured.
 */
export async function confirmationOf(
  q: Queryable,
  run: RunRow,
): Promise<Pick<Trajectory, 'confirmation' | 'unconfirmed'>> {
  const { searchEnd, incumbentIteration: iteration, incumbentKey, baselineKey } = run;
  if (searchEnd === null || iteration === null) return {};
  const ids = new Set(searchEnd.jobIds);
  const rows = await listMeasurements(q, run.id);
  const anew = rows.filter((row) => ids.has(row.jobId));
  if (anew.length < ids.size) {
    const jobs = (await listJobsOfRun(q, run.id)).filter((job) => ids.has(job.id));
    if (run.endedAt === null && jobs.some((job) => job.endedAt === null)) return {};
    const missing = jobs.find((job) => job.state !== 'succeeded');
    const why = missing?.detail || missing?.reason || missing?.state || 'its jobs are gone';
    return { unconfirmed: { iteration, why: `${anew.length} of ${ids.size} measurements succeeded; ${why}` } };
  }
  const fingerprint = anew[0]?.fingerprint ?? null;
  const chosenBy = rows.filter((row) => row.configKey === incumbentKey && !ids.has(row.jobId));
  const isSame = (row: { fingerprint: string | null }) => row.fingerprint === fingerprint;
  if (!anew.every(isSame) || !chosenBy.some(isSame))
    return {
      unconfirmed: { iteration, why: 'it was measured on another box, driver or budget than it was chosen on' },
    };
  return {
    confirmation: {
      iteration,
      values: anew.filter((row) => row.configKey === incumbentKey).map((row) => row.metric),
      baseline: anew.filter((row) => row.configKey === baselineKey).map((row) => row.metric),
    },
  };
}
