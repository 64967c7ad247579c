import type { JobSpec } from '@nightshift/protocol';
import type { AttemptRow, JobRow, Queryable, RunRow } from '@nightshift/db';
import { rulerOf } from '../loop/ruler.js';
import { jobSpecOf } from './job-spec.js';
import { overlayOf } from './overlay.js';

/**
 * What a box is told to run. Code mode holds every job to what the run began with, on whichever box: its editable files, its commit
 * and its sealed files, as soon as a first box has told them.
 */
export async function specFor(
  q: Queryable,
  run: RunRow,
  job: JobRow,
  attempt: Pick<AttemptRow, 'id' | 'token'>,
): Promise<JobSpec> {
  const spec = jobSpecOf(run, job, attempt, await overlayOf(q, run, job));
  const { edit } = run.spec;
  if (!edit) return spec;
  const { source } = spec;
  const isPinned = source.kind === 'git' && run.baseCommit !== null;
  return {
    ...spec,
    source: isPinned ? { ...source, ref: run.baseCommit } : source,
    sealedDigest: edit.sealed.length === 0 ? null : (await rulerOf(q, run)).ruler.sealed,
    // The source's own code has trained before; only what was edited is tried out first.
    probeMs: job.codeKey === null ? null : edit.probeMs,
  };
}
