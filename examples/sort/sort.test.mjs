// node --test: every routine sorts, whatever its knobs; and the evaluator notices one that does not.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { costOf } from './evaluate.mjs';
import { DEFAULTS } from './sort.mjs';

const menu = readFileSync(new URL('nightshift.yaml', import.meta.url), 'utf8');
const changes = [
  ...['quick', 'merge', 'heap', 'shell', 'radix', 'insertion'].map((algorithm) => ({ algorithm })),
  ...['first', 'middle', 'scattered', 'median3', 'ninther'].flatMap((pivot) =>
    ['lomuto', 'hoare', 'three_way'].map((partition) => ({ pivot, partition, cutoff: 1, depth_limit: 1000 })),
  ),
  ...[1, 17, 64].flatMap((min_run) =>
    [0, 1, 7].map((gallop_after) => ({ algorithm: 'merge', detect_runs: gallop_after > 0, min_run, gallop_after })),
  ),
  ...[1, 5, 8, 11, 14].map((radix_bits) => ({ algorithm: 'radix', radix_bits, skip_shared_digits: radix_bits > 5 })),
  ...['halving', 'knuth', 'ciura', 'tokuda'].map((shell_gaps) => ({ algorithm: 'shell', shell_gaps })),
  ...[2, 3, 8].map((heap_arity) => ({ algorithm: 'heap', heap_arity })),
];
for (const change of changes) {
  test(`sorts with ${JSON.stringify(change)}`, () => {
    assert.ok(costOf({ ...DEFAULTS, ...change }, 3).mean > 0);
  });
}

test('a routine that leaves items unsorted is an error, not a cheap result', () => {
  assert.throws(() => costOf(DEFAULTS, 3, () => {}), /random: not sorted at index/);
});

test('a routine that makes its own sorted items is an error', () => {
  const copiesOne = (tape) => {
    for (let i = 1; i < tape.length; i++) tape.set(i, tape.get(0));
  };
  assert.throws(() => costOf(DEFAULTS, 3, copiesOne), /lost or doubled/);
});

test('an unknown routine is an error', () => {
  assert.throws(() => costOf({ ...DEFAULTS, algorithm: 'bogo' }, 3), /none of/);
});

test('the cost is the same each time', () => {
  assert.deepEqual(costOf(DEFAULTS, 5), costOf(DEFAULTS, 5));
});

test('the defaults of a run by hand are those of the menu', () => {
  const defaults = [...menu.matchAll(/^ {4}(\w+): \{.* default: ([\w.-]+)/gm)].map(([, name, value]) => [
    name,
    value === 'true' || value === 'false' ? value === 'true' : Number.isNaN(Number(value)) ? value : Number(value),
  ]);
  assert.deepEqual(Object.fromEntries(defaults), DEFAULTS);
});
