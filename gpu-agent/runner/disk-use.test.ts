import { existsSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import type { DiskSpace } from '../telemetry/host.js';
import { DiskUse, type DiskAccount } from './disk-use.js';

const MIB = 1_048_576;
const FLOOR = 128 * MIB;
const mebibytes = (count: number) => ({ bytes: count * MIB, files: 0 });

/** A disk of figures, in MiB: what is free at the start, at its worst, and when the job's folder has been deleted. */
function account(
  free: { start: number; low: number; after: number; before?: number },
  over: { lay?: number; lies?: number; kept?: number; files?: [number, number, number]; isBeside?: boolean } = {},
): DiskAccount & { short: string | null } {
  const folder = temporaryFolder('disk');
  const { start, low, before = low, after } = free;
  // The constructor reads twice, the beginning of training, the guard, and then the account: its worst, before and after.
  const readings = [start, start, start, low, low, before, after].map((mib, i): DiskSpace => ({
    bytes: mib * MIB,
    files: over.files?.[i < 3 ? 0 : i < 6 ? 1 : 2] ?? null,
  }));
  const disk = new DiskUse({ job: folder, temporary: null }, FLOOR, () => readings.shift() ?? null);
  disk.begin('training', () => mebibytes(over.lay ?? 0));
  const short = disk.look();
  const result = disk.account({
    isAlone: over.isBeside !== true,
    lies: () => mebibytes(over.lies ?? over.lay ?? 0),
    clear: () => {},
    kept: () => mebibytes(over.kept ?? 0),
  });
  return { ...result, short };
}

describe('who took the space of a disk', () => {
  test('is the job, when the space is back with its folder gone', () => {
    expect(account({ start: 40_960, low: 100, after: 40_960 })).toEqual({
      isOwn: true,
      short: "only 100 MiB were left on the box's disk (floor 128 MiB): the job was ended before the disk was full",
      words: 'the job wrote 39.9 GiB of the 40 GiB that were free when training began',
    });
  });
  test('is somebody else, when the space stays away', () => {
    expect(account({ start: 40_960, low: 100, after: 1100 })).toMatchObject({
      isOwn: false,
      words: 'the job wrote 1000 MiB of the 40 GiB that were free when training began',
    });
  });
  test('is the job, when it lies in caches that stay', () => {
    expect(account({ start: 8000, low: 100, after: 200 }, { kept: 7800 })).toMatchObject({
      isOwn: true,
      words: 'the job wrote 7900 MiB of the 8000 MiB that were free when training began',
    });
  });
  test('is not the job for its copy of the source, which lay there before', () => {
    expect(account({ start: 300, low: 120, after: 320 }, { lay: 200 }).isOwn).toBe(false);
  });
  test('is, beside other jobs, whoever has it in its folder, and not who ends while another gives it back', () => {
    expect(account({ start: 40_960, low: 100, after: 40_960 }, { lies: 20, isBeside: true }).isOwn).toBe(false);
    expect(account({ start: 40_960, low: 100, after: 100 }, { lies: 40_000, isBeside: true }).isOwn).toBe(true);
  });
  test('is not the job for its own files moved, changed or linked, and never more than what went', () => {
    // Others took 10,000: the job's 20,000 lay there before, come back with its folder and are not its writing.
    expect(account({ start: 10_100, low: 100, after: 20_100 }, { lay: 20_000 })).toMatchObject({
      isOwn: false,
      words: 'the job wrote 0 MiB of the 10100 MiB that were free when training began',
    });
    // Others took 10,000, the job linked 20,000 of elsewhere into its folder: deleting it gives nothing back.
    expect(account({ start: 10_100, low: 100, after: 200 }, { lay: 100, lies: 20_100 }).isOwn).toBe(false);
    // It moved a file of elsewhere in: it may have written what went, or others have.
    for (const isBeside of [true, false])
      expect(account({ start: 10_100, low: 100, after: 30_100 }, { lies: 30_000, isBeside })).toMatchObject({
        isOwn: false,
        words: 'more was in its folder than went from the disk: who took it cannot be told',
      });
    expect(account({ start: 10_100, low: 100, after: 12_100 }, { lies: 12_000 }).words).toContain('wrote 10000 MiB of');
  });
  test('is the job on a source copied by reference, which gives nothing back', () => {
    expect(account({ start: 10_100, low: 100, after: 10_100 }, { lay: 20_000, lies: 30_000 })).toMatchObject({
      isOwn: true,
      words: 'the job wrote 10000 MiB of the 10100 MiB that were free when training began',
    });
  });
  test('is not the job on a disk that was short without it', () => {
    expect(account({ start: 110, low: 108, after: 111 }).isOwn).toBe(false);
  });
  test('counts files where it is these that ran out', () => {
    expect(account({ start: 5000, low: 4900, after: 5000 }, { files: [90_000, 0, 89_000] })).toEqual({
      isOwn: true,
      short: "the box's disk took no more files: the job was ended",
      words: 'the job wrote 89000 of the 90000 files that were free when training began',
    });
  });
});

test('nothing is short, and nobody is to blame, on a disk with room', () => {
  expect(account({ start: 5000, low: 2000, after: 5000 })).toMatchObject({ isOwn: false, short: null });
});

test('a job goes on when its disk has room again, and the account keeps the worst', () => {
  const free = [20_480, 20_480, 20_480, 100, 10_240, 10_240];
  const disk = new DiskUse({ job: temporaryFolder('disk'), temporary: null }, FLOOR, () => ({
    bytes: (free.shift() ?? 0) * MIB,
    files: null,
  }));
  disk.begin('training');
  expect(disk.look()).toContain('only 100 MiB were left');
  expect([disk.look(), disk.look()]).toEqual([null, null]);
  expect(disk.isShort).toBe(true);
});

test('a file system that says from the start that it has room for no file is not taken at its word', () => {
  const space = { bytes: 5000 * MIB, files: 0 };
  const disk = new DiskUse({ job: temporaryFolder('disk'), temporary: null }, FLOOR, () => space);
  disk.begin('training');
  expect(disk.look()).toBeNull();
  expect(disk.isShort).toBe(false);
});

// A second disk is wanted: the kernel's own in memory is one.
test.runIf(existsSync('/dev/shm'))(
  "a full disk of a cache ends nothing, is short when a phase has ended, and is the box's",
  () => {
    let left = 5000;
    const read = (path: string) => ({ bytes: (path === '/dev/shm' ? left : 5000) * MIB, files: null });
    const disk = new DiskUse({ job: temporaryFolder('disk'), temporary: null }, FLOOR, read, ['/dev/shm']);
    disk.lookAtCaches();
    expect(disk.isShort).toBe(false);
    left = 0;
    disk.lookAtCaches();
    expect(disk.look()).toBeNull();
    expect(disk.isShort).toBe(true);
    const nothing = () => mebibytes(0);
    expect(disk.account({ isAlone: true, lies: nothing, clear: () => {}, kept: nothing })).toEqual({
      isOwn: false,
      words: "the disk of /dev/shm was full, which is the box's",
    });
  },
);

test('a real disk is read, and one that cannot be read blames nobody', () => {
  const folder = temporaryFolder('disk');
  const disk = new DiskUse({ job: folder, temporary: folder }, 0);
  expect(disk.look()).toBeNull();
  expect(disk.isShort).toBe(false);
  writeFileSync(join(folder, 'file'), 'x');
  expect(statfsSync(folder).bavail).toBeGreaterThan(0);
  const none = new DiskUse({ job: folder, temporary: null }, FLOOR, () => null);
  expect(none.look()).toBeNull();
  expect(none.account({ isAlone: true, lies: () => mebibytes(0), clear: () => {}, kept: () => mebibytes(0) })).toEqual({
    isOwn: false,
    words: 'the disk could not be measured',
  });
});
