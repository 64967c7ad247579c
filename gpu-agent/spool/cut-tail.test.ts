import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cutJsonTail, cutNulTail } from './cut-tail.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

const path = join(temporaryFolder('cut'), 'file');
const after = (bytes: string | Buffer, cut: (path: string) => number) => {
  writeFileSync(path, bytes);
  const count = cut(path);
  return { count, left: readFileSync(path, 'latin1') };
};

describe('the end of a file of JSON lines', () => {
  test('whole lines stay', () => {
    expect(after('{"a":1}\n{"a":2}\n', cutJsonTail)).toEqual({ count: 0, left: '{"a":1}\n{"a":2}\n' });
    expect(after('', cutJsonTail)).toEqual({ count: 0, left: '' });
  });
  test('a torn line goes, and so does one of NULs', () => {
    expect(after('{"a":1}\n{"a":', cutJsonTail)).toEqual({ count: 5, left: '{"a":1}\n' });
    expect(after('{"a":1}\n{"a":2}', cutJsonTail)).toEqual({ count: 7, left: '{"a":1}\n' });
    expect(after(`{"a":1}\n${'\0'.repeat(100)}`, cutJsonTail)).toEqual({ count: 100, left: '{"a":1}\n' });
    expect(after(`{"a":1}\n${'\0'.repeat(100)}\n`, cutJsonTail)).toEqual({ count: 101, left: '{"a":1}\n' });
    expect(after('half', cutJsonTail)).toEqual({ count: 4, left: '' });
  });
  test('a torn end longer than one read goes whole', () => {
    expect(after(`{"a":1}\n${'\0'.repeat(200_000)}`, cutJsonTail)).toEqual({ count: 200_000, left: '{"a":1}\n' });
  });
});

test('NULs go from the end of a log, and only from there', () => {
  expect(after('a\0b\n', cutNulTail)).toEqual({ count: 0, left: 'a\0b\n' });
  expect(after(`a\0b\n${'\0'.repeat(150_000)}`, cutNulTail)).toEqual({ count: 150_000, left: 'a\0b\n' });
  expect(after('\0\0', cutNulTail)).toEqual({ count: 2, left: '' });
});
