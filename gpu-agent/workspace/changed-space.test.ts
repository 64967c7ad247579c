import { linkSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { changedSpace } from './changed-space.js';

test('each file counts once, by what it takes and not by its length; links are not followed', () => {
  const folder = temporaryFolder('space');
  const inner = join(folder, 'inner');
  mkdirSync(inner);
  writeFileSync(join(inner, 'file'), Buffer.alloc(100_000, 1));
  linkSync(join(inner, 'file'), join(folder, 'same'));
  symlinkSync('/usr', join(folder, 'elsewhere'));
  const disk = lstatSync(folder).dev;
  const all = changedSpace([folder, inner, folder, join(folder, 'none')], disk, { sinceMs: 0 });
  const size = (name: string) => lstatSync(join(folder, name)).blocks * 512;
  const links = ['elsewhere', 'inner'].map(size).reduce((sum, bytes) => sum + bytes, 0);
  expect(all.bytes - size('same')).toBeLessThanOrEqual(links);
  expect(all.bytes).toBeGreaterThanOrEqual(100_000);
  expect(changedSpace([folder], disk, { sinceMs: Date.now() + 60_000 })).toEqual({ bytes: 0, files: 0 });
  expect(changedSpace([folder], disk + 1, { sinceMs: 0 })).toEqual({ bytes: 0, files: 0 });
});
