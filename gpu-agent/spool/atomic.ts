import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes a file so that a reader, and a machine that loses power, sees the whole of it or nothing. */
export function writeAtomic(path: string, text: string, mode = 0o600): void {
  const temporary = writeDurable(path, text, mode);
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/** As `writeAtomic`, but only for the first who writes; false for everyone else. */
export function writeOnce(path: string, text: string, mode = 0o600): boolean {
  const temporary = writeDurable(path, text, mode);
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  syncDirectory(dirname(path));
  return true;
}

function writeDurable(path: string, text: string, mode: number): string {
  const temporary = `${path}.${process.pid}.tmp`;
  const fd = openSync(temporary, 'w', mode);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return temporary;
}

function syncDirectory(path: string): void {
  try {
    const fd = openSync(path, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // some file systems refuse to sync a directory: the rename itself is still atomic
  }
}
