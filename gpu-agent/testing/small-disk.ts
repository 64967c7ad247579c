import { spawnSync } from 'node:child_process';
import { afterAll } from 'vitest';
import { temporaryFolder } from './temporary-folder.js';

/** Whether this process may mount a file system: root outside of a confined container. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0 && tryMount();

/** A real file system of so many bytes, in memory, for one test file. */
export function smallDisk(bytes: number): string {
  const folder = temporaryFolder('disk');
  mount(folder, bytes);
  afterAll(() => void spawnSync('umount', ['-l', folder]));
  return folder;
}

function mount(folder: string, bytes: number): void {
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'nightshift-test', folder]);
  if (done.status !== 0) throw new Error(`no file system could be mounted: ${done.stderr.toString()}`);
}

function tryMount(): boolean {
  const done = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'nightshift-test', '/mnt']);
  return done.status === 0;
}
