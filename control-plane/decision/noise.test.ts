import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimateNoise, mean, shrinkNoise, withoutWildGroups } from './noise.js';

describe('estimateNoise', () => {
  it('pools the variance within configurations and ignores the spread between them', () => {
    const noise = estimateNoise([[1, 3], [10, 10, 13], [500]]);
    expect(noise.degreesOfFreedom).toBe(3);
    expect(noise.sd).toBeCloseTo(Math.sqrt((2 + 6) / 3), 12);
    expect(noise.relative).toBeCloseTo(Math.sqrt(8 / 3) / 7.4, 12);
  });

  it('is unknown while nothing was measured twice', () => {
    expect(estimateNoise([[1], [2], []])).toEqual({ sd: null, relative: null, degreesOfFreedom: 0 });
  });

  it('is exactly 0 for repeats that are equal, whatever their digits', () => {
    expect(estimateNoise([[0.1, 0.1, 0.1], [1.7], [1.1, 1.1]])).toMatchObject({ sd: 0, degreesOfFreedom: 3 });
    expect(mean([0.1, 0.1, 0.1])).toBe(0.1);
  });

  it('has no relative figure around a mean of 0', () => {
    expect(estimateNoise([[-1, 1]])).toMatchObject({ relative: null, degreesOfFreedom: 1 });
  });
});

describe('withoutWildGroups', () => {
  const calm = [
    [1, 1.01],
    [2, 2.01],
    [3, 3.01],
  ];
  const wild = [1.2, 7.5];

  it('leaves out a configuration that diverges by chance, so that it does not blind later decisions', () => {
    expect(withoutWildGroups([...calm, wild], [])).toEqual(calm);
  });
  it('keeps it when it is the one that is being decided', () => {
    expect(withoutWildGroups([...calm, wild], [wild])).toEqual([...calm, wild]);
  });
  it('keeps everything while there is too little to call anything wild', () => {
    expect(withoutWildGroups([[1, 1.01], wild], [])).toHaveLength(2);
  });
});

describe('shrinkNoise', () => {
  const prior = { sd: 0.2, degreesOfFreedom: 2 };

  it('is the scaled inverse chi-square posterior while the noise looks smaller than the prior', () => {
    const shrunken = shrinkNoise({ sd: 0.1, relative: 0.1, degreesOfFreedom: 4 }, prior);
    expect(shrunken?.sd).toBeCloseTo(Math.sqrt((2 * 0.04 + 4 * 0.01) / 6), 12);
    expect(shrunken?.degreesOfFreedom).toBe(6);
  });
  it('is unknown while nothing was measured, and stays 0 for a deterministic metric', () => {
    expect(shrinkNoise({ sd: null, relative: null, degreesOfFreedom: 0 }, prior)).toBeNull();
    expect(shrinkNoise({ sd: 0, relative: 0, degreesOfFreedom: 1 }, prior)).toEqual({ sd: 0, degreesOfFreedom: 1 });
  });
  it('never lowers an estimate, and a prior that is contradicted fades', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1e3, noNaN: true }),
        fc.integer({ min: 1, max: 60 }),
        (sd, degreesOfFreedom) => {
          const shrunken = shrinkNoise({ sd, relative: sd, degreesOfFreedom }, prior);
          expect(shrunken?.sd).toBeGreaterThanOrEqual(sd * (1 - 1e-12));
          expect(shrunken?.degreesOfFreedom).toBeGreaterThanOrEqual(degreesOfFreedom);
          if (sd > 20 * prior.sd) expect(shrunken?.degreesOfFreedom).toBeLessThan(degreesOfFreedom + 0.01);
        },
      ),
    );
  });
});
