import { expect, test } from 'vitest';
import { unstorableText } from './storable-text.js';

test('text that Postgres can store passes, emoji and deep nesting included', () => {
  let deep: unknown = '😀 \u0001 ñ';
  for (let i = 0; i < 50_000; i++) deep = [deep];
  expect(unstorableText({ a: ['x', 1, null, true], deep })).toEqual([]);
});

test('NUL and half of a surrogate pair are found in values and in keys', () => {
  expect(unstorableText({ a: { b: ['ok', 'x\0y'] }, c: '\ud800', d: { '\0': 1 } })).toEqual([
    { path: 'd', message: expect.stringContaining('key') },
    { path: 'c', message: expect.stringContaining('surrogate') },
    { path: 'a.b.1', message: expect.stringContaining('NUL') },
  ]);
});

test('a body full of them names the first twenty', () => {
  expect(unstorableText(Array.from({ length: 1000 }, () => '\0'))).toHaveLength(20);
});
