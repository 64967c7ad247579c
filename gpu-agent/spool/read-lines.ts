import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export interface LinesRead {
  lines: string[];
  /** Where the next read starts: after the last whole line, or within one that is longer than a buffer. */
  offset: number;
}

/**
 * Reads up to `limit` whole lines of a file that may still be written to, from a byte offset. Of a line longer than `bytes` only the
 * end is given, as one line: every line break is an index, however large the buffer of whoever counts.
 */
export function readLines(path: string, offset: number, limit: number, bytes = 65_536): LinesRead {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return { lines: [], offset };
  }
  try {
    // No larger than what is there: a metric a second must not cost a mebibyte a second.
    const there = Math.min(bytes, fstatSync(fd).size - offset);
    if (there <= 0) return { lines: [], offset };
    const buffer = Buffer.allocUnsafe(there);
    for (let from = offset; ; from += bytes) {
      const chunk = buffer.subarray(0, readSync(fd, buffer, 0, there, from));
      const lines: string[] = [];
      let at = 0;
      while (lines.length < limit) {
        const end = chunk.indexOf(0x0a, at);
        if (end < 0) break;
        lines.push(chunk.toString('utf8', at, end));
        at = end + 1;
      }
      // A whole buffer within one line is left behind, so that the next read need not begin with it again.
      if (at > 0 || chunk.length < bytes || limit <= 0) return { lines, offset: from + at };
    }
  } finally {
    closeSync(fd);
  }
}

/** Counts whole lines, or finds the offset after the first `skip` of them, in bounded memory. */
export function scanLines(path: string, skip = Number.POSITIVE_INFINITY): { lines: number; offset: number } {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return { lines: 0, offset: 0 };
  }
  try {
    const buffer = Buffer.alloc(262_144);
    let lines = 0;
    let after = 0;
    for (let position = 0; lines < skip;) {
      const got = readSync(fd, buffer, 0, buffer.length, position);
      if (got === 0) break;
      for (let at = 0; lines < skip;) {
        const end = buffer.subarray(0, got).indexOf(0x0a, at);
        if (end < 0) break;
        at = end + 1;
        lines++;
        after = position + at;
      }
      position += got;
    }
    return { lines, offset: after };
  } finally {
    closeSync(fd);
  }
}
