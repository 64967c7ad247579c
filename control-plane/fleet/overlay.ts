import type { SourceFile } from '@nightshift/protocol';
import { findCodeState, type JobRow, type Queryable, type RunRow } from '@nightshift/db';

/**
 * The editable files that a job runs with: its own, or the source's as the run's first box told them, because another box's folder may
 * hold others. Null while nobody has told them: then the job tells.
 */
export async function overlayOf(q: Queryable, run: RunRow, job: JobRow): Promise<SourceFile[] | null> {
  const key = job.codeKey ?? (run.spec.edit ? run.baselineCodeKey : null);
  if (key === null) return null;
  const files = await findCodeState(q, key);
  if (!files) throw new Error(`job ${job.id} runs with code ${key}, which is not stored`);
  return files;
}
