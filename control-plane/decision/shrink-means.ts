export interface ShrunkenMean {
  value: number;
  standardError: number;
}

/**
 * Shrinks the means of many configurations towards their median, each by how noisy it is: θ̂_i = ȳ_i - B_i (ȳ_i - m) with
 * B_i = (k - 3)/(k - 1) · V_i / (V_i + τ²) and V_i = σ²/n_i, the parametric empirical Bayes estimate of Morris 1983 (James &
 * Stein 1961 when all n_i are equal), and with its standard error, which knows that τ² is itself an estimate:
 * SE_i² = V_i (1 - B_i (k - 1)/k) + 2/(k - 3) · B_i² (ȳ_i - m)².
 *
 * One change. A search leaves a long tail of bad configurations that would pass for a large true spread τ² and undo the
 * shrinkage where it matters, among the best. So m is the median, τ² is what the spread of the better half alone leaves over
 * after the noise, max(0, Σ n_i ((ȳ_i - m)² - V_i) / Σ n_i), and k is the size of that half. Below 4 nothing is shrunken.
 *
 * @param costs means with smaller being better; `counts` the measurements behind each.
 * @param sd the noise of one measurement; `cautiousSd` the same with its own uncertainty added, for the standard errors.
 */
export function shrinkMeans(
  costs: readonly number[],
  counts: readonly number[],
  sd: number,
  cautiousSd: number,
): ShrunkenMean[] {
  const order = costs.map((_, index) => index).sort((a, b) => (costs[a] as number) - (costs[b] as number));
  const size = costs.length;
  const at = (place: number) => costs[order[place] as number] as number;
  const median = size % 2 === 1 ? at((size - 1) / 2) : (at(size / 2 - 1) + at(size / 2)) / 2;
  const better = order.slice(0, Math.ceil(size / 2));
  const k = better.length;
  let excess = 0;
  let weight = 0;
  for (const index of better) {
    const n = counts[index] as number;
    excess += n * ((costs[index] as number) - median) ** 2 - sd * sd;
    weight += n;
  }
  const spread = Math.max(0, excess / weight);
  return costs.map((cost, index) => {
    const n = counts[index] as number;
    const variance = (sd * sd) / n;
    const shrinkage = k < 4 || variance === 0 ? 0 : (((k - 3) / (k - 1)) * variance) / (variance + spread);
    const estimated = k < 4 ? 0 : (2 / (k - 3)) * (shrinkage * (cost - median)) ** 2;
    return {
      value: cost - shrinkage * (cost - median),
      standardError: Math.sqrt(((cautiousSd * cautiousSd) / n) * (1 - (shrinkage * (k - 1)) / k) + estimated),
    };
  });
}
