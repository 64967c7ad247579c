import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claimOwnership } from './ownership.js';
import { processIdentity, processNamespace } from './process-identity.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp('/tmp/nightshift-owner-');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function writeOwner(generation: number, record: object): Promise<string> {
  const file = join(dir, `owner.${generation}.json`);
  const base = { host: 'elsewhere', claimedAt: '2026-01-01T00:00:00.000Z', released: false };
  await writeFile(file, JSON.stringify({ ...base, namespace: processNamespace(), ...record }));
  return file;
}

test('a directory is owned once, until it is released', async () => {
  const first = await claimOwnership(dir);
  await expect(claimOwnership(dir)).rejects.toMatchObject({ code: 'database_locked' });
  await first.release();
  const second = await claimOwnership(dir);
  await second.release();
  expect(await readdir(dir)).toEqual(['owner.2.json']);
});

test('a living process with a dead owner’s pid is not mistaken for the owner', async () => {
  await writeOwner(1, { pid: process.pid, identity: 'an earlier start' });
  await (await claimOwnership(dir)).release();
});

test('the same pid with the same start is the owner', async () => {
  await writeOwner(1, { pid: process.ppid, identity: await processIdentity(process.ppid) });
  await expect(claimOwnership(dir)).rejects.toMatchObject({
    code: 'database_locked',
    message: expect.stringContaining(`process ${process.ppid} on elsewhere`),
  });
});

test('fifty claims after a dead owner have one winner', async () => {
  for (let round = 0; round < 5; round++) {
    await writeOwner(round * 2 + 1, { pid: 1, identity: 'an earlier start' });
    const claims = await Promise.allSettled(Array.from({ length: 50 }, () => claimOwnership(dir)));
    const winners = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []));
    expect(winners).toHaveLength(1);
    await winners[0]?.release();
    expect(await readdir(dir)).toEqual([`owner.${round * 2 + 2}.json`]);
  }
});

test('an owner on another host counts as alive while it beats', async () => {
  const file = await writeOwner(1, { pid: 1, identity: 'x', namespace: 'another host' });
  const beat = setInterval(() => void utimes(file, new Date(), new Date()), 100);
  try {
    await expect(claimOwnership(dir)).rejects.toMatchObject({ code: 'database_locked' });
  } finally {
    clearInterval(beat);
  }
});

test('an owner on another host that fell silent is succeeded', async () => {
  const file = await writeOwner(1, { pid: process.pid, identity: 'x', namespace: 'another host' });
  const minuteAgo = new Date(Date.now() - 60_000);
  await utimes(file, minuteAgo, minuteAgo);
  await (await claimOwnership(dir)).release();
});

test('a record torn by a power cut does not lock the directory for ever', async () => {
  await writeFile(join(dir, 'owner.7.json'), '{"pid": 12');
  const ownership = await claimOwnership(dir);
  expect(JSON.parse(await readFile(join(dir, 'owner.8.json'), 'utf8'))).toMatchObject({ pid: process.pid });
  await ownership.release();
});

test('a process that does not run has no identity', async () => {
  expect(await processIdentity(2 ** 22 + 1)).toBeUndefined();
  expect(await processIdentity(process.pid)).toBe(await processIdentity(process.pid));
});
