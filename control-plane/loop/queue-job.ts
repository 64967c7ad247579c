import { codeKeyOf, type Config, type JobRole } from '@nightshift/protocol';
import { countJobsOfConfig, insertJob, recordEvent, type JobRow, type RunRow, type Tx } from '@nightshift/db';
import { jobSeed } from './seed.js';

/** Queues one measurement of a configuration and tells of it. Undefined when this very measurement is queued already. */
export async function queueJob(
  tx: Tx,
  run: RunRow,
  job: {
    iterationId: string | null;
    iteration: number | null;
    role: JobRole;
    replicate: number;
    config: Config;
    configKey: string;
    /** The only box whose measurement is of use here. */
    pinnedBoxId?: string | null;
  },
): Promise<JobRow | undefined> {
  // Counted for each budget: screening changes no seed of a measurement.
  const n = await countJobsOfConfig(tx, run.id, job.configKey, job.role === 'screen');
  const row = await insertJob(tx, {
    runId: run.id,
    iterationId: job.iterationId,
    role: job.role,
    replicate: job.replicate,
    config: job.config,
    configKey: job.configKey,
    codeKey: codeKeyOf(job.configKey),
    seed: jobSeed(run.spec.seed, job.configKey, n + 1),
    pinnedBoxId: job.pinnedBoxId ?? null,
  });
  if (row) {
    await recordEvent(tx, {
      type: 'job.queued',
      runId: run.id,
      payload: { jobId: row.id, role: job.role, replicate: job.replicate, iteration: job.iteration },
    });
  }
  return row;
}
