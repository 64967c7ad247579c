import { describe, expect, test } from 'vitest';
import { rankCorrelation, whyScreeningEnds, type ScreenRecord, type ScreenWorth } from './screen-worth.js';

const pair = (cheap: number, full: number, more: Partial<ScreenRecord> = {}): ScreenRecord => ({
  cheap,
  full,
  isKept: false,
  looksWorse: false,
  ...more,
});
const tens = (order: number[]) => order.map((full, i) => pair(i / 100, full / 100));
const worth = (more: Partial<ScreenWorth> = {}): ScreenWorth => ({
  pairs: [],
  spentSeconds: 0,
  savedSeconds: 0,
  fullSeconds: 300,
  ...more,
});

describe('screening goes on', () => {
  test('while little is known', () => {
    expect(whyScreeningEnds(worth())).toBeNull();
    expect(whyScreeningEnds(worth({ pairs: tens([9, 8, 7, 6, 5, 4, 3, 2, 1]) }))).toBeNull();
  });

  test('where the cheap budget ranks about as the full one', () => {
    expect(whyScreeningEnds(worth({ pairs: tens([2, 1, 4, 3, 6, 5, 8, 7, 10, 9]) }))).toBeNull();
  });

  test('where a kept candidate among several looked worse', () => {
    const pairs = [
      pair(-0.1, 0.02, { isKept: true, looksWorse: true }),
      pair(0.1, 0.02, { isKept: true }),
      pair(0.1, 0.02, { isKept: true }),
    ];
    expect(whyScreeningEnds(worth({ pairs }))).toBeNull();
  });
});

describe('screening ends', () => {
  test('where the rank correlation of ten candidates is low', () => {
    const pairs = tens([5, 9, 1, 8, 2, 10, 3, 7, 4, 6]);
    expect(whyScreeningEnds(worth({ pairs }))).toMatch(/^the cheap budget ranks candidates unlike the full one/);
  });

  test('where what was kept looked worse at the cheap budget', () => {
    const pairs = [
      pair(-0.1, 0.02, { isKept: true, looksWorse: true }),
      pair(-0.2, 0.03, { isKept: true, looksWorse: true }),
      pair(0.1, 0.04, { isKept: true }),
    ];
    expect(whyScreeningEnds(worth({ pairs }))).toBe(
      '2 of 3 candidates that were kept looked worse at the cheap budget',
    );
  });

  test('where candidates say nothing at the cheap budget, which is told', () => {
    expect(whyScreeningEnds(worth({ spentSeconds: 1000, savedSeconds: 0, silent: { n: 4, of: 5 } }))).toBe(
      'it has cost 3.3 full measurements more than it has saved; 4 of 5 candidates gave no number at the cheap budget',
    );
  });

  test('where it has cost three full measurements more than it saved', () => {
    expect(whyScreeningEnds(worth({ spentSeconds: 1000, savedSeconds: 100 }))).toBeNull();
    expect(whyScreeningEnds(worth({ spentSeconds: 1000, savedSeconds: 90 }))).toBe(
      'it has cost 3.0 full measurements more than it has saved',
    );
  });
});

describe('the rank correlation', () => {
  test('is 1, -1, and what a textbook says between them, with ties sharing their rank', () => {
    expect(rankCorrelation(tens([1, 2, 3, 4]))).toBeCloseTo(1, 12);
    expect(rankCorrelation(tens([4, 3, 2, 1]))).toBeCloseTo(-1, 12);
    // 1 − 6 Σd² / (n (n² − 1)) with d = 1, -1, 1, -1, 0.
    expect(rankCorrelation(tens([2, 1, 4, 3, 5]))).toBeCloseTo(0.8, 12);
    expect(rankCorrelation([pair(1, 1), pair(1, 2), pair(2, 3)])).toBeCloseTo(Math.sqrt(0.75), 12);
    expect(rankCorrelation([pair(1, 1), pair(1, 2)])).toBe(0);
  });
});
