import { describe, expect, it } from 'vitest';
import { decodeArchive, encodeArchive, type ArchiveEntry } from './archive.js';

const text = (content: string) => new TextEncoder().encode(content);
const ENTRIES: ArchiveEntry[] = [
  { path: 'a/ü.txt', isExecutable: false, content: text('{"end":0}\n') },
  { path: 'empty', isExecutable: false, content: text('') },
  { path: 'latest', link: 'a/../empty' },
  { path: 'run.sh', isExecutable: true, content: Uint8Array.from([0, 255, 10, 13]) },
];

describe('an archive of a working tree', () => {
  it('gives the same entries back, and the same bytes in any order', () => {
    const bytes = encodeArchive(ENTRIES);
    expect(decodeArchive(bytes)).toEqual(ENTRIES);
    expect(encodeArchive([...ENTRIES].reverse())).toEqual(bytes);
    expect(decodeArchive(encodeArchive([]))).toEqual([]);
  });

  it('is refused when it was cut at any place', () => {
    const bytes = encodeArchive(ENTRIES);
    for (let size = 0; size < bytes.length; size++) expect(decodeArchive(bytes.subarray(0, size))).toBeTypeOf('string');
    expect(decodeArchive(new Uint8Array([...bytes, 10]))).toBeTypeOf('string');
  });

  it.each([
    ['../out', 'cannot be a path'],
    ['/etc/passwd', 'cannot be a path'],
    ['a/.GIT/config', 'cannot be a path'],
    ['a\\b', 'cannot be a path'],
  ])('does not write to %s', (path, why) => {
    expect(decodeArchive(encodeArchive([{ path, isExecutable: false, content: text('') }]))).toContain(why);
  });

  it.each(['/etc', '../..', 'x/../../..'])('has no link to %s', (link) => {
    expect(decodeArchive(encodeArchive([{ path: 'a/link', link }]))).toContain('leads out');
  });

  it('has no file below a link', () => {
    const below = encodeArchive([
      { path: 'a', link: 'b' },
      { path: 'a/c', isExecutable: false, content: text('') },
    ]);
    expect(decodeArchive(below)).toContain('below a link');
  });
});
