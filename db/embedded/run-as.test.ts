import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { locateBinaries } from './binaries.js';
import { initCluster } from './cluster.js';
import { launchPostmaster, stopPostmaster } from './postmaster.js';
import { chooseRunAs, giveTo } from './run-as.js';

const isRoot = process.getuid?.() === 0;
let root: string;
let clusterDir: string;

beforeEach(async () => {
  root = await mkdtemp('/tmp/nightshift-run-as-');
  clusterDir = join(root, 'cluster');
});
afterEach(() => rm(root, { recursive: true, force: true }));

test.skipIf(isRoot)('an ordinary user runs Postgres directly', async () => {
  expect(await chooseRunAs(await locateBinaries(root), clusterDir)).toEqual({ prefix: [] });
});

// Root is who needs the fallbacks; an ordinary user may not become another.
test.skipIf(!isRoot)(
  'root without user namespaces runs Postgres as an ordinary user, and hands over its data',
  async () => {
    const binaries = await locateBinaries(root);
    const withoutUnshare = { ...binaries, env: { ...binaries.env, PATH: root } };
    await mkdir(join(clusterDir, 'old'), { recursive: true, mode: 0o700 });
    const runAs = await chooseRunAs(withoutUnshare, clusterDir);
    expect(runAs.prefix).toEqual([]);
    expect(runAs.uid).toBeGreaterThan(0);
    await giveTo(runAs, clusterDir);
    expect((await stat(join(clusterDir, 'old'))).uid).toBe(runAs.uid);
    await rm(join(clusterDir, 'old'), { recursive: true });
    await giveTo(runAs, root);

    await initCluster(binaries, runAs, clusterDir, { isThrowaway: true });
    const logFile = join(root, 'postgres.log');
    await writeFile(logFile, '');
    const postmaster = await launchPostmaster({ binaries, runAs, clusterDir, socketDir: root, logFile });
    try {
      expect((await stat(join(clusterDir, 'postmaster.pid'))).uid).toBe(runAs.uid);
      expect((await stat(logFile)).uid).toBe(runAs.uid);
    } finally {
      await stopPostmaster(postmaster);
    }
    // Found again by its owner, whatever namespaces allow by then.
    expect(await chooseRunAs(binaries, clusterDir)).toEqual({ prefix: [], uid: runAs.uid, gid: runAs.gid });
  },
);
