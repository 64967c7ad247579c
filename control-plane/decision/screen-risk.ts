import { SCREEN_LUCK } from './screen.js';
import { normalCdf, normalDensity } from '../search/normal.js';
import { studentUpperQuantile } from './student-t.js';

/** As good as infinitely many pairs: the line through them is known. */
const MANY = 1e6;
const STEPS = 2000;
const SPAN = 8;

/**
 * The probability that screening gives up a candidate, and that it gives up one that is truly better, when cheap and full effects
 * are jointly normal with this rank correlation and the line between them is known (condition 2 of `screen` alone; condition 1
 * only lowers both). At every cheap effect at most SCREEN_LUCK of what is given up is better, so that
 * P(given up | better) ≤ SCREEN_LUCK · P(given up) / P(better), whatever the correlation.
 * @param meanInSds the mean full effect of candidates, in standard deviations of full effects; −1 makes one in six better.
 */
export function screenRisk(
  spearman: number,
  meanInSds: number,
): { givenUp: number; givenUpOfBetter: number; betterOfGivenUp: number } {
  // A line that falls says as much as one that rises.
  const r = Math.abs(2 * Math.sin((Math.PI * spearman) / 6));
  const rest = Math.sqrt(1 - r * r);
  const z = studentUpperQuantile(SCREEN_LUCK, MANY);
  // y = mean + r·u + rest·w with standard normal u (the cheap effect) and w: given up where mean + r·u + z·rest < 0.
  const limit = r > 0 ? -(meanInSds + z * rest) / r : meanInSds + z * rest < 0 ? Infinity : -Infinity;
  const better = 1 - normalCdf(-meanInSds);
  let both = 0;
  const end = Math.min(limit, SPAN);
  const step = (end + SPAN) / STEPS;
  if (step > 0)
    for (let i = 0; i < STEPS; i++) {
      const u = -SPAN + (i + 0.5) * step;
      both +=
        step * normalDensity(u) * (rest === 0 ? Number(meanInSds + r * u > 0) : normalCdf((meanInSds + r * u) / rest));
    }
  const givenUp = limit === Infinity ? 1 : limit === -Infinity ? 0 : normalCdf(limit);
  return { givenUp, givenUpOfBetter: both / better, betterOfGivenUp: givenUp > 0 ? both / givenUp : 0 };
}
