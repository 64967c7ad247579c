import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { predictFull, screen, type ScreenInput, type ScreenPair } from './screen.js';

/** Cheap effects that tell the full ones but for a little. */
const HONEST: ScreenPair[] = [-0.1, -0.05, 0, 0.02, -0.15, -0.02].map((full, i) => ({
  cheap: full + 0.001 * (i % 2 === 0 ? 1 : -1),
  full,
}));
/** Cheap effects that say nothing. */
const MUTE: ScreenPair[] = [
  { cheap: -0.1, full: 0.02 },
  { cheap: 0.1, full: -0.02 },
  { cheap: -0.05, full: -0.01 },
  { cheap: 0.05, full: 0.015 },
  { cheap: 0, full: 0.01 },
  { cheap: -0.12, full: 0 },
];
const rule = (more: Partial<ScreenInput> = {}): ScreenInput => ({
  goal: 'minimize',
  minImprovement: 0.005,
  margin: 0,
  after: 5,
  candidate: [3.3],
  comparator: [3, 3.003],
  groups: [],
  pairs: HONEST,
  canMeasureComparator: true,
  ...more,
});
const outcome = (input: ScreenInput) => {
  const ruling = screen(input);
  return ruling.kind === 'measure' ? 'measure' : ruling.screening.outcome;
};

describe('screen', () => {
  test('gives up what is far worse where the cheap budget has told the truth, with figures', () => {
    const ruling = screen(rule());
    expect(ruling).toMatchObject({
      kind: 'screened',
      screening: { outcome: 'screened_out', comparatorN: 2, pairs: 6, value: 3.3 },
    });
    if (ruling.kind === 'measure') return;
    const { effect, bar, expected, luckiest, reason } = ruling.screening;
    expect(effect).toBeCloseTo(-0.0995, 3);
    expect(bar).toBeGreaterThan(-0.0995);
    expect(expected).toBeCloseTo(-0.1, 2);
    expect(luckiest).toBeGreaterThan(expected as number);
    expect(luckiest).toBeLessThan(0);
    expect(reason).toMatch(/^9\.95% worse than its comparator at the cheap budget, beyond noise and margin/);
  });

  test('knows the other way of better', () => {
    expect(outcome(rule({ goal: 'maximize', candidate: [2.7] }))).toBe('screened_out');
    expect(outcome(rule({ goal: 'maximize' }))).toBe('passed');
  });

  test('passes what is as good or better, whatever the pairs say', () => {
    expect(outcome(rule({ candidate: [3] }))).toBe('passed');
    expect(outcome(rule({ candidate: [2.5] }))).toBe('passed');
  });

  test('passes everything where the cheap budget has said nothing', () => {
    expect(outcome(rule({ pairs: MUTE, candidate: [3.4] }))).toBe('passed');
  });

  test('gives up nobody before enough candidates are known at both budgets', () => {
    expect(outcome(rule({ pairs: HONEST.slice(0, 4) }))).toBe('passed');
    expect(outcome(rule({ after: 7 }))).toBe('passed');
    expect(outcome(rule({ after: 0, pairs: HONEST.slice(0, 4) }))).toBe('passed');
  });

  test('leaves a margin', () => {
    expect(outcome(rule({ margin: 0.08 }))).toBe('screened_out');
    expect(outcome(rule({ margin: 0.2 }))).toBe('passed');
  });

  test('asks for the comparator when it has none, and does without an answer when there cannot be one', () => {
    expect(outcome(rule({ comparator: [] }))).toBe('measure');
    expect(outcome(rule({ comparator: [], canMeasureComparator: false }))).toBe('unknown');
  });

  test('measures the comparator again where that can tell a candidate from noise, three times at most', () => {
    const noisy = { candidate: [3.28], groups: [[3, 3.06]] };
    expect(outcome(rule({ ...noisy, comparator: [3] }))).toBe('measure');
    expect(outcome(rule({ ...noisy, comparator: [3], canMeasureComparator: false }))).toBe('passed');
    expect(outcome(rule({ ...noisy, comparator: [3, 3.06, 3.03], groups: [[3, 3.06, 3.03]] }))).not.toBe('measure');
  });

  test('never gives up a candidate that looks no worse, and never one that it expects to be better', () => {
    const effect = fc.double({ min: -2, max: 0.9, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.record({ cheap: effect, full: effect }), { maxLength: 30 }),
        fc.double({ min: 0.1, max: 20, noNaN: true }),
        fc.array(fc.double({ min: 1, max: 3, noNaN: true }), { minLength: 1, maxLength: 3 }),
        (pairs, value, comparator) => {
          const ruling = screen(rule({ pairs, candidate: [value], comparator, groups: [comparator] }));
          if (ruling.kind === 'measure' || ruling.screening.outcome !== 'screened_out') return;
          expect(ruling.screening.effect).toBeLessThan(0);
          expect(ruling.screening.expected).toBeLessThan(0);
          expect(ruling.screening.luckiest).toBeLessThan(0);
        },
      ),
    );
  });
});

describe('predictFull', () => {
  test('is the straight line through pairs that lie on one, with no doubt left', () => {
    const pairs = [0.01, 0.02, 0.03, -0.04].map((cheap) => ({ cheap, full: cheap }));
    expect(predictFull(pairs, -0.2)?.expected).toBeCloseTo(-0.2, 9);
    expect(predictFull(pairs, -0.2)?.luckiest).toBeCloseTo(-0.2, 9);
  });

  test('is the textbook interval: y on x for x = 1 to 5, y = 2, 1, 4, 3, 5 per thousand', () => {
    // Slope 0.8, intercept 0.6, s² = 1.2: at 6 the mean is 5.4, and its standard error √(1.2 · (1 + 1/5 + 9/10)) = 1.587.
    const y = [2, 1, 4, 3, 5];
    const pairs = y.map((full, i) => ({ cheap: (i + 1) / 1e6, full: full / 1e6 }));
    const found = predictFull(pairs, 6 / 1e6)!;
    expect(found.expected * 1e6).toBeCloseTo(5.4, 3);
    expect(found.luckiest * 1e6).toBeCloseTo(5.4 + 4.5407 * 1.5875, 2);
  });

  test('says nothing from two pairs, or from pairs that were all alike at the cheap budget', () => {
    expect(predictFull(HONEST.slice(0, 2), -0.1)).toBeNull();
    expect(
      predictFull(
        HONEST.map(({ full }) => ({ cheap: -0.1, full })),
        -0.1,
      ),
    ).toBeNull();
  });

  test('is not turned by one candidate that diverged', () => {
    const far = [...HONEST, { cheap: -500, full: -900 }];
    expect(predictFull(far, -0.1)?.expected).toBeLessThan(-0.03);
  });
});
