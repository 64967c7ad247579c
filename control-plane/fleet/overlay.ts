import type { SourceFile } from '@nightshift/protocol';
import { findCodeState, type JobRow, type Queryable } from '@nightshift/db';

/** The editable files that a job runs with; null when it runs the source as it is. */
export async function overlayOf(q: Queryable, job: JobRow): Promise<SourceFile[] | null> {
  if (job.codeKey === null) return null;
  const files = await findCodeState(q, job.codeKey);
  if (!files) throw new Error(`job ${job.id} runs with code ${job.codeKey}, which is not stored`);
  return files;
}
