import { describe, expect, test } from 'vitest';
import { seededRandom } from '../search/random.js';
import { SCREEN_LUCK } from './screen.js';
import { screenRisk } from './screen-risk.js';

describe('the risk of screening', () => {
  test('is none without a correlation, and gives up exactly what is worse with a perfect one', () => {
    expect(screenRisk(0, -1)).toEqual({ givenUp: 0, givenUpOfBetter: 0, betterOfGivenUp: 0 });
    expect(screenRisk(1, -1).givenUp).toBeCloseTo(0.8413, 3);
    expect(screenRisk(1, -1).givenUpOfBetter).toBeCloseTo(0, 6);
  });

  test('stays within its bound whatever the correlation and whatever the candidates are like', () => {
    for (const mean of [-2, -1, 0, 1])
      for (const rho of [-0.9, -0.3, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
        const { givenUp, betterOfGivenUp } = screenRisk(rho, mean);
        expect(betterOfGivenUp, `${mean} ${rho}`).toBeLessThanOrEqual(SCREEN_LUCK + 1e-9);
        expect(givenUp).toBeLessThanOrEqual(1);
      }
  });

  test('is what a simulation finds', () => {
    const random = seededRandom('screen risk');
    // Box and Muller.
    const normal = () => Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
    const [rho, mean] = [0.8, -0.5];
    const r = 2 * Math.sin((Math.PI * rho) / 6);
    const rest = Math.sqrt(1 - r * r);
    const counts = { all: 0, out: 0, better: 0, both: 0 };
    for (let i = 0; i < 200_000; i++) {
      const u = normal();
      const isBetter = mean + r * u + rest * normal() > 0;
      const isOut = mean + r * u + 2.3263 * rest < 0;
      counts.all++;
      if (isOut) counts.out++;
      if (isBetter) counts.better++;
      if (isOut && isBetter) counts.both++;
    }
    const told = screenRisk(rho, mean);
    expect(told.givenUp).toBeCloseTo(counts.out / counts.all, 2);
    expect(told.givenUpOfBetter).toBeCloseTo(counts.both / counts.better, 3);
  });
});
