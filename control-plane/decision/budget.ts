/** The part of the budget that the planned decisions share; the rest is for a run that is extended beyond its plan. */
const PLANNED_SHARE = 0.95;
/** Weights i^-1.2 of an open-ended run: slow enough that the 50th decision still has power, and they have a finite sum, ζ(1.2). */
const OPEN_EXPONENT = 1.2;
const OPEN_SUM = 5.591582441177751;

/**
 * The false-keep probability that one decision may spend. Over any number of decisions the sum is at most `budget`, so that by
 * Boole's inequality (no independence needed, though all candidates share a comparator) the expected number of false keeps in
 * a whole run is at most `budget`, and so is the probability of any.
 *
 * With a plan: equal shares (Bonferroni). Without: a fixed summable series, as in alpha spending for an unknown number of
 * tests (Foster & Stine 2008; Javanmard & Montanari 2018).
 *
 * @param budget 1 - confidence.
 * @param decisionsSoFar candidates decided before this one.
 */
export function falseKeepBudget(budget: number, decisionsSoFar: number, plannedDecisions: number | null): number {
  const open = (index: number) => index ** -OPEN_EXPONENT / OPEN_SUM;
  if (plannedDecisions === null || plannedDecisions < 1) return budget * open(decisionsSoFar + 1);
  if (decisionsSoFar < plannedDecisions) return (budget * PLANNED_SHARE) / plannedDecisions;
  return budget * (1 - PLANNED_SHARE) * open(decisionsSoFar - plannedDecisions + 1);
}

/**
 * The part of a decision's budget that the look at `n` measurements of a candidate may spend, of `limit` at most: the power
 * family of spending functions (n/limit)² of Kim & DeMets 1987, which like O'Brien & Fleming 1979 asks more of early looks
 * than of the last, and less harshly. The parts of all looks sum to 1.
 */
export function lookShare(n: number, limit: number): number {
  const last = Math.min(n, limit);
  return (last / limit) ** 2 - ((last - 1) / limit) ** 2;
}
