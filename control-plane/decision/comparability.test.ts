import { describe, expect, test } from 'vitest';
import { comparable, type Measured } from './comparability.js';

const keys = { candidate: 'new', comparator: 'base' };
const measured = (configKey: string, metric: number, fingerprint: string | null, isOwn = false): Measured => ({
  configKey,
  metric,
  fingerprint,
  boxId: fingerprint && `box of ${fingerprint}`,
  isOwn,
});

describe('comparable', () => {
  test('takes only what has the fingerprint of the newest own measurement', () => {
    const result = comparable(
      [
        measured('base', 10, 'a'),
        measured('base', 20, 'b'),
        measured('other', 21, 'b'),
        measured('new', 19, 'b', true),
      ],
      keys,
    );
    expect(result).toMatchObject({ kind: 'compare', fingerprint: 'b', boxId: 'box of b' });
    expect(result.kind === 'compare' && Object.fromEntries(result.groups)).toEqual({
      base: [20],
      other: [21],
      new: [19],
    });
  });

  test('a comparator that was never measured there has no values, so that it is measured there', () => {
    const result = comparable([measured('base', 10, 'a'), measured('new', 19, 'b', true)], keys);
    expect(result.kind === 'compare' && result.groups.get('base')).toBeUndefined();
  });

  test('a candidate whose box changed before its comparator was measured is measured again', () => {
    const result = comparable([measured('new', 19, 'b', true), measured('base', 18, 'c', true)], keys);
    expect(result).toMatchObject({ kind: 'remeasure', boxId: 'box of c' });
  });

  test('gives up when the fingerprint changes with every measurement', () => {
    const flapping = ['a', 'b', 'c', 'd'].map((fingerprint, i) =>
      measured(i % 2 ? 'base' : 'new', 10, fingerprint, true),
    );
    expect(comparable(flapping.slice(0, 3), keys).kind).toBe('compare');
    expect(comparable(flapping, keys)).toMatchObject({ kind: 'incomparable' });
  });

  test('repeats with another fingerprint tell of the noise and of nothing else', () => {
    const result = comparable(
      [
        measured('base', 100, 'a'),
        measured('base', 104, 'a'),
        measured('lone', 7, 'a'),
        measured('base', 10, 'b'),
        measured('new', 9, 'b', true),
      ],
      keys,
    );
    expect(result.kind === 'compare' && result.noise).toEqual([[10], [9], [8, 12]]);
  });

  test('equal repeats stay exactly equal, so that a deterministic metric stays one', () => {
    const result = comparable(
      [
        measured('base', 0.1, 'a'),
        measured('base', 0.1, 'a'),
        measured('base', 0.3, 'b'),
        measured('new', 9, 'b', true),
      ],
      keys,
    );
    expect(result.kind === 'compare' && result.noise.at(-1)).toEqual([0.3, 0.3]);
  });

  test('measurements that told no fingerprint are compared with each other', () => {
    const result = comparable([measured('base', 10, null), measured('new', 9, null, true)], keys);
    expect(result.kind === 'compare' && result.groups.get('base')).toEqual([10]);
  });
});
