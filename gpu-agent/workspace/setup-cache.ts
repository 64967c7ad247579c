import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../process/lock.js';
import { writeAtomic } from '../spool/atomic.js';

const DONE = '.nightshift-setup.json';
/** Bases that are kept; the least recently used go first. Fewer means running a setup again, more means disk. */
const KEPT_BASES = 8;

/** The key of a base folder: source content, setup command, and the variables that the spec gives it. */
export function setupKey(sourceHash: string, setup: string, env: Record<string, string>): string {
  const parts = [sourceHash, setup, JSON.stringify(Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1)))];
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);
}

/**
 * Makes sure that setup has run for this content, once, in a base folder whose path never changes (virtual environments
 * hold absolute paths), and links what it created into a job's folder. `run` does the setup; false means that it failed.
 */
export async function withSetup(
  input: {
    cache: string;
    key: string;
    work: string;
    signal: AbortSignal;
    fill: (base: string) => void | Promise<void>;
  },
  run: (base: string) => Promise<boolean>,
): Promise<'cached' | 'ran' | 'failed'> {
  mkdirSync(input.cache, { recursive: true, mode: 0o700 });
  const base = join(input.cache, input.key);
  const outcome = await withLock(`${base}.lock`, input.signal, async () => {
    if (existsSync(join(base, DONE))) return 'cached' as const;
    rmSync(base, { recursive: true, force: true }); // a setup that was cut short
    mkdirSync(base, { recursive: true, mode: 0o700 });
    await input.fill(base);
    if (!(await run(base))) {
      rmSync(base, { recursive: true, force: true });
      return 'failed' as const;
    }
    writeAtomic(join(base, DONE), JSON.stringify({ doneAt: new Date().toISOString() }));
    return 'ran' as const;
  });
  if (outcome === 'failed') return outcome;
  const now = new Date();
  utimesSync(join(base, DONE), now, now);
  linkCreated(base, input.work);
  return outcome;
}

/** Links what setup made into a copy of the source: whatever that does not have. Folders that both have are descended into. */
export function linkCreated(base: string, work: string): void {
  for (const entry of readdirSync(base, { withFileTypes: true })) {
    if (entry.name === DONE) continue;
    const target = join(work, entry.name);
    if (!existsSync(target)) symlinkSync(join(base, entry.name), target);
    else if (entry.isDirectory() && statSync(target).isDirectory()) linkCreated(join(base, entry.name), target);
  }
}

/** Deletes the least recently used bases beyond those kept. Call it only while no job runs. */
export function pruneSetups(cache: string): void {
  if (!existsSync(cache)) return;
  const bases = readdirSync(cache)
    .filter((name) => /^[0-9a-f]{32}$/.test(name))
    .map((name) => ({
      path: join(cache, name),
      usedMs: statSync(join(cache, name, DONE), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .sort((a, b) => b.usedMs - a.usedMs);
  for (const { path } of bases.slice(KEPT_BASES)) rmSync(path, { recursive: true, force: true });
}
