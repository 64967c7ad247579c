import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@nightshift/protocol';
import { processIdentity, processNamespace } from './process-identity.js';

// Only for owners whose pid cannot be seen from here (another host or container on a shared volume): shorter and a busy
// owner is robbed, longer and a replaced container waits that long for its own volume.
const HEARTBEAT_MS = 5_000;
const SILENT_MS = 20_000;

interface OwnerRecord {
  pid: number;
  identity: string;
  namespace: string;
  host: string;
  claimedAt: string;
  released: boolean;
}

export interface Ownership {
  /** Lets the next process have the directory. */
  release(): Promise<void>;
}

/**
 * Makes this process the one owner of a data directory, or throws `database_locked` naming who is.
 *
 * The owner is the newest of the files `owner.N.json`. A dead owner is succeeded by linking N + 1, which only one of
 * several can do; the newest file is never removed, so a slow racer can never claim an old number again.
 */
export async function claimOwnership(dataDir: string): Promise<Ownership> {
  for (;;) {
    const newest = await newestGeneration(dataDir);
    if (newest > 0) await refuseIfHeld(dataDir, newest);
    const mine = newest + 1;
    if (!(await linkRecord(dataDir, mine))) continue;
    if ((await newestGeneration(dataDir)) > mine) {
      // Another succeeded the same dead owner and was succeeded in turn while we looked.
      await rm(ownerFile(dataDir, mine), { force: true });
      continue;
    }
    await removeOlder(dataDir, mine);
    return hold(dataDir, mine);
  }
}

function hold(dataDir: string, generation: number): Ownership {
  const file = ownerFile(dataDir, generation);
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    async release() {
      clearInterval(heartbeat);
      const temp = await writeTemp(dataDir, true);
      await rename(temp, file);
    },
  };
}

async function refuseIfHeld(dataDir: string, generation: number): Promise<void> {
  const owner = await readRecord(dataDir, generation);
  if (!owner || owner.released) return;
  const isAlive =
    owner.namespace === processNamespace()
      ? (await processIdentity(owner.pid)) === owner.identity
      : await keepsBeating(ownerFile(dataDir, generation));
  if (!isAlive) return;
  const who = owner.pid === process.pid && owner.host === hostname() ? 'this very process' : `process ${owner.pid}`;
  throw new AppError(
    'database_locked',
    `The database in ${dataDir} is in use by ${who} on ${owner.host} since ${owner.claimedAt}.`,
    {
      hint: `Stop process ${owner.pid}, choose another data directory, or set DATABASE_URL so that several control planes share one Postgres.`,
    },
  );
}

async function keepsBeating(file: string): Promise<boolean> {
  const first = await modifiedAt(file);
  if (first === undefined) return false;
  while (Date.now() - first < SILENT_MS) {
    await delay(500);
    if ((await modifiedAt(file)) !== first) return true;
  }
  return false;
}

async function modifiedAt(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.mtimeMs;
}

async function linkRecord(dataDir: string, generation: number): Promise<boolean> {
  const temp = await writeTemp(dataDir, false);
  try {
    // A link appears with its whole content at once; an exclusive create would be seen empty for a moment.
    await link(temp, ownerFile(dataDir, generation));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temp, { force: true });
  }
}

async function writeTemp(dataDir: string, released: boolean): Promise<string> {
  const record: OwnerRecord = {
    pid: process.pid,
    identity: (await processIdentity(process.pid)) ?? '',
    namespace: processNamespace(),
    host: hostname(),
    claimedAt: new Date().toISOString(),
    released,
  };
  const temp = join(dataDir, `owner.tmp-${randomBytes(6).toString('hex')}`);
  // Readable, in a private directory: whoever is refused must be able to read why.
  const handle = await open(temp, 'wx', 0o644);
  try {
    await handle.writeFile(JSON.stringify(record));
    await handle.sync();
  } finally {
    await handle.close();
  }
  return temp;
}

async function readRecord(dataDir: string, generation: number): Promise<OwnerRecord | undefined> {
  try {
    return JSON.parse(await readFile(ownerFile(dataDir, generation), 'utf8')) as OwnerRecord;
  } catch {
    // Gone (a newer one exists, the link will fail) or torn by a power cut, which its owner did not survive either.
    return undefined;
  }
}

async function newestGeneration(dataDir: string): Promise<number> {
  return Math.max(0, ...(await generations(dataDir)));
}

async function removeOlder(dataDir: string, newest: number): Promise<void> {
  for (const generation of await generations(dataDir)) {
    if (generation < newest) await rm(ownerFile(dataDir, generation), { force: true });
  }
}

async function generations(dataDir: string): Promise<number[]> {
  const names = await readdir(dataDir);
  return names.flatMap((name) => {
    const match = /^owner\.(\d+)\.json$/.exec(name);
    return match ? [Number(match[1])] : [];
  });
}

function ownerFile(dataDir: string, generation: number): string {
  return join(dataDir, `owner.${generation}.json`);
}
