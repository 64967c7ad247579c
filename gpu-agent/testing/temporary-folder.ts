import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/** A folder of one's own in the temporary folder, gone when the test file (or the program) that asked for it is over. */
export function temporaryFolder(name: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `nightshift-${name}-`)));
  made.push(folder);
  return folder;
}

function removeAll(): void {
  // A process that is being killed may still write: what it adds between two looks is removed by the next one.
  for (const folder of made.splice(0))
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

// Registered as the file is read, so that it runs after whatever else the file does at its end.
if (process.env.VITEST) (await import('vitest')).afterAll(removeAll);
else process.once('exit', removeAll);
