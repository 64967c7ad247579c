import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type DecideInput, type Ruling } from './decide.js';

const measurement = fc.double({ min: 0.5, max: 2, noNaN: true });
const near = (centre: number, spread: number, n: fc.SizeForArbitrary | undefined, maxLength: number) =>
  fc.array(fc.double({ min: centre - spread, max: centre + spread, noNaN: true }), {
    minLength: 1,
    maxLength,
    size: n,
  });
const input: fc.Arbitrary<DecideInput> = fc
  .record({
    goal: fc.constantFrom('minimize' as const, 'maximize' as const),
    compare: fc.constantFrom('incumbent' as const, 'baseline' as const),
    rule: fc.record({
      minImprovement: fc.constantFrom(0, 0.001, 0.003, 0.005, 0.02),
      confidence: fc.constantFrom(0.5, 0.8, 0.9, 0.99, 0.9999),
      maxReplicates: fc.integer({ min: 1, max: 6 }),
    }),
    candidate: fc.oneof(near(0.97, 0.02, 'small', 5), fc.array(measurement, { minLength: 1, maxLength: 5 })),
    comparator: near(1, 0.01, 'small', 5),
    others: fc.array(near(1.1, 0.01, 'small', 3), { maxLength: 6 }),
    decisionsSoFar: fc.integer({ min: 0, max: 200 }),
    plannedDecisions: fc.constantFrom(null, 1, 12, 50, 1000),
    canMeasureComparator: fc.constantFrom(undefined, true, false),
  })
  .map(({ others, ...rest }) => ({ ...rest, groups: [rest.comparator, rest.candidate, ...others] }));

const map = (from: DecideInput, change: (value: number) => number): DecideInput => ({
  ...from,
  candidate: from.candidate.map(change),
  comparator: from.comparator.map(change),
  groups: from.groups.map((values) => values.map(change)),
});
const isKeep = (ruling: Ruling) => ruling.kind === 'decided' && ruling.decision.outcome === 'keep';
/** What is decided, without the figures that carry the metric's unit. */
const gist = (ruling: Ruling) =>
  ruling.kind === 'measure' ? ruling : { ...ruling.decision, comparatorMean: null, candidateMean: null };
const average = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe('decide, whatever the measurements', () => {
  it('is the same for a metric that is minimised and for its negative that is maximised', () => {
    fc.assert(
      fc.property(input, (from) => {
        const flipped = map({ ...from, goal: from.goal === 'minimize' ? 'maximize' : 'minimize' }, (value) => -value);
        expect(gist(decide(flipped))).toEqual(gist(decide(from)));
      }),
    );
  });

  it('is the same in another unit of the metric', () => {
    fc.assert(
      fc.property(input, fc.integer({ min: -30, max: 30 }), (from, power) => {
        expect(gist(decide(map(from, (value) => value * 2 ** power)))).toEqual(gist(decide(from)));
      }),
    );
  });

  it('keeps what it kept when the candidate is better still, but for the quarantine of a single measurement', () => {
    fc.assert(
      fc.property(input, fc.double({ min: 0, max: 0.5, noNaN: true }), (from, gain) => {
        const shift = from.goal === 'minimize' ? -gain : gain;
        const candidate = from.candidate.map((value) => value + shift);
        const groups = from.groups.map((values) => (values === from.candidate ? candidate : values));
        const better = decide({ ...from, candidate, groups });
        if (isKeep(decide(from)) && !isKeep(better)) {
          expect(candidate).toHaveLength(1);
          expect(JSON.stringify(better)).toContain('too good');
        }
      }),
    );
  });

  it('never keeps a candidate whose mean is not better', () => {
    fc.assert(
      fc.property(input, (from) => {
        const difference = average(from.comparator) - average(from.candidate);
        if ((from.goal === 'minimize' ? difference : -difference) <= 0) expect(isKeep(decide(from))).toBe(false);
      }),
    );
  });

  it('ends, and never measures a candidate beyond the limit nor the comparator without end', () => {
    fc.assert(
      fc.property(
        input,
        fc.array(fc.double({ min: -0.02, max: 0.02, noNaN: true }), { minLength: 100, maxLength: 100 }),
        (from, draws) => {
          const candidate = [...from.candidate];
          const comparator = [...from.comparator];
          const groups = from.groups.map((values) =>
            values === from.candidate ? candidate : values === from.comparator ? comparator : values,
          );
          for (const draw of draws) {
            const ruling = decide({ ...from, candidate, comparator, groups });
            if (ruling.kind === 'decided') break;
            if (ruling.role === 'replicate') candidate.push(average(from.candidate) + draw);
            else {
              expect(from.canMeasureComparator).not.toBe(false);
              comparator.push(1 + draw);
            }
          }
          expect(decide({ ...from, candidate, comparator, groups }).kind).toBe('decided');
          expect(candidate.length).toBeLessThanOrEqual(Math.max(from.rule.maxReplicates, from.candidate.length));
          expect(comparator.length).toBeLessThanOrEqual(from.comparator.length + 12);
        },
      ),
    );
  });

  it('gives figures that belong together', () => {
    fc.assert(
      fc.property(input, (from) => {
        const ruling = decide(from);
        if (ruling.kind === 'measure') return;
        const { probability, standardError, noiseSd, candidateN, comparatorN, reason } = ruling.decision;
        if (probability !== null) expect(probability >= 0 && probability <= 1).toBe(true);
        if (standardError !== null && noiseSd !== null)
          expect(standardError).toBeCloseTo(noiseSd * Math.sqrt(1 / candidateN + 1 / comparatorN), 12);
        expect(reason).not.toMatch(/NaN|undefined|null|Infinity/);
      }),
    );
  });
});
