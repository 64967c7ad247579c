import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, fstatSync } from 'node:fs';

/** Whether a line belongs in the file: what a crash of the machine left may be NULs or half a line. */
function isJson(line: Buffer): boolean {
  try {
    JSON.parse(line.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

/**
 * Cuts what a crash left at the end of a file of JSON lines: a torn last line, NULs, lines that do not parse. Returns the
 * bytes cut. Call it only when nobody writes to the file any more.
 */
export function cutJsonTail(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, 'r+');
  } catch {
    return 0;
  }
  try {
    const { size } = fstatSync(fd);
    let end = size;
    while (end > 0) {
      // One record back at a time: the last byte must be the newline of a line that parses.
      const from = Math.max(0, end - 65_536);
      const chunk = Buffer.alloc(end - from);
      readSync(fd, chunk, 0, chunk.length, from);
      const newline =
        chunk[chunk.length - 1] === 0x0a ? chunk.lastIndexOf(0x0a, chunk.length - 2) : chunk.lastIndexOf(0x0a);
      if (chunk[chunk.length - 1] === 0x0a && (newline >= 0 || from === 0) && isJson(chunk.subarray(newline + 1)))
        break;
      end = newline >= 0 ? from + newline + 1 : from;
    }
    if (end < size) {
      ftruncateSync(fd, end);
      fsyncSync(fd);
    }
    return size - end;
  } finally {
    closeSync(fd);
  }
}

/** Cuts the NULs that a file system leaves at the end of a file whose last pages never reached the disk. */
export function cutNulTail(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, 'r+');
  } catch {
    return 0;
  }
  try {
    const { size } = fstatSync(fd);
    let end = size;
    const chunk = Buffer.alloc(65_536);
    scan: while (end > 0) {
      const from = Math.max(0, end - chunk.length);
      const got = readSync(fd, chunk, 0, end - from, from);
      for (let at = got - 1; at >= 0; at--) {
        if (chunk[at] !== 0) {
          end = from + at + 1;
          break scan;
        }
      }
      end = from;
    }
    if (end < size) {
      ftruncateSync(fd, end);
      fsyncSync(fd);
    }
    return size - end;
  } finally {
    closeSync(fd);
  }
}
