/** Density of the standard normal. */
export function normalDensity(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

/** Distribution of the standard normal: Abramowitz and Stegun 7.1.26, absolute error below 2e-7. */
export function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = (poly * Math.exp(-x * x)) / 2;
  return z < 0 ? tail : 1 - tail;
}

/** Expected improvement of a normal variable below a target (Mockus 1975; Jones and others 1998, eq. 15). */
export function expectedImprovement(target: number, mean: number, sd: number): number {
  if (sd <= 0) return Math.max(0, target - mean);
  const z = (target - mean) / sd;
  return Math.max(0, (target - mean) * normalCdf(z) + sd * normalDensity(z));
}
