import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeTreeSync } from '../workspace/remove-tree.js';
import { Attempt } from './attempt.js';
import { cutJsonTail, cutNulTail } from './cut-tail.js';
import { isSafeId } from './job-dir.js';

/**
 * Every job directory of a home, read back. A directory without a whole spec was never acknowledged and is deleted. Of
 * jobs that no living runner writes to, torn ends are cut. Logs of ended jobs are left as the exit record counted them.
 */
export function readJobs(home: string): Attempt[] {
  const root = join(home, 'jobs');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  return readdirSync(root).flatMap((id) => {
    const attempt = isSafeId(id) ? Attempt.open(home, id) : null;
    if (!attempt) {
      removeTreeSync(join(root, id));
      return [];
    }
    if (!attempt.isOrphan()) return [attempt];
    cutJsonTail(attempt.dir.metrics);
    cutJsonTail(attempt.dir.phases);
    cutNulTail(attempt.dir.log);
    const reread = Attempt.open(home, id);
    return reread ? [reread] : [];
  });
}
