import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../workspace/remove-tree.js';

/** How the path of whatever a job has in the temporary folder begins: its runner's socket, its own TMPDIR where there is no sandbox. */
export function temporaryPrefix(attemptId: string): string {
  return join(tmpdir(), `nightshift-${attemptId.slice(-12)}-`);
}

/** Takes away what a runner that was killed left of an attempt in the temporary folder. */
export async function removeTemporaries(attemptId: string): Promise<void> {
  const prefix = temporaryPrefix(attemptId);
  for (const name of readdirSync(tmpdir())) {
    const path = join(tmpdir(), name);
    if (path.startsWith(prefix)) await removeTree(path);
  }
}
