import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { readLines, scanLines } from './read-lines.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

let path: string;
beforeEach(() => {
  path = join(temporaryFolder('lines'), 'metrics.jsonl');
});

/** Every line that there is, read to the end with one size of buffer. */
function readAll(bytes: number, limit = 3): string[] {
  const all: string[] = [];
  for (let offset = 0; ;) {
    const read = readLines(path, offset, limit, bytes);
    if (read.lines.length === 0) return all;
    all.push(...read.lines);
    offset = read.offset;
  }
}

test('a line longer than the buffer has one index, whatever the size of the buffer', () => {
  const long = 'x'.repeat(200_000);
  writeFileSync(path, `a\n${long}\nb\n${'y'.repeat(65_536)}\n${'z'.repeat(65_535)}\n\nc\n`);
  for (const bytes of [7, 64, 65_536, 1_048_576]) {
    const lines = readAll(bytes);
    expect(lines).toHaveLength(7);
    expect([lines[0], lines[2], lines[5], lines[6]]).toEqual(['a', 'b', '', 'c']);
  }
  expect(readAll(1_048_576)[1]).toBe(long);
  expect(scanLines(path).lines).toBe(7);
});

test('a long line that is still being written is no line yet, and what was passed is not read again', () => {
  writeFileSync(path, `a\n${'x'.repeat(100)}`);
  const first = readLines(path, 0, 10, 32);
  expect(first).toEqual({ lines: ['a'], offset: 2 });
  const second = readLines(path, first.offset, 10, 32);
  expect(second).toEqual({ lines: [], offset: 2 + 96 });
  appendFileSync(path, 'yy\nb\n');
  expect(readLines(path, second.offset, 10, 32)).toEqual({ lines: ['xxxxyy', 'b'], offset: 107 });
});

test('a short line that is still being written is read from its start later', () => {
  writeFileSync(path, 'a\nbc');
  const { offset } = readLines(path, 0, 10);
  expect(offset).toBe(2);
  appendFileSync(path, 'd\n');
  expect(readLines(path, offset, 10)).toEqual({ lines: ['bcd'], offset: 6 });
});

test('no file has no lines', () => {
  expect(readLines(path, 0, 10)).toEqual({ lines: [], offset: 0 });
});
