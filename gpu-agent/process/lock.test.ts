import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { identityOf, isAlive } from './identity.js';
import { releaseLock, takeLock } from './lock.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

test('a lock is held by a living process, and taken over from a dead one or from another with its pid', () => {
  const path = join(temporaryFolder('lock'), 'lock');
  expect(takeLock(path)).toBeNull();
  expect(takeLock(path)).toEqual(identityOf(process.pid));
  releaseLock(path);
  writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: 'another life' }));
  expect(takeLock(path)).toBeNull();
  writeFileSync(path, JSON.stringify({ pid: 2 ** 22 - 1, startTime: 'gone' }));
  expect(takeLock(path)).toBeNull();
  writeFileSync(path, 'torn');
  expect(takeLock(path)).toBeNull();
});

test('a process is itself only with its start time', () => {
  const own = identityOf(process.pid);
  expect(own && isAlive(own)).toBe(true);
  expect(isAlive({ pid: process.pid, startTime: '0' })).toBe(false);
});
