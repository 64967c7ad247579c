import type { ScreenPair } from './screen.js';

export interface ScreenRecord extends ScreenPair {
  isKept: boolean;
  /** Below its bar at the cheap budget: worse there than noise and margin explain. */
  looksWorse: boolean;
}
export interface ScreenWorth {
  /** Candidates that were measured at both budgets, oldest first. */
  pairs: readonly ScreenRecord[];
  /** Training time that screening took so far, the comparators' included, and what it saved. */
  spentSeconds: number;
  savedSeconds: number;
  /** What a full measurement trains for, as `savedSeconds` has it. */
  fullSeconds: number;
  /** Candidates that gave no number at the cheap budget, of all that were trained for it. */
  silent?: { n: number; of: number };
}

/** So many pairs tell a rank correlation from none well enough to act on it. */
const MIN_RANKED = 10;
const LEAST_CORRELATION = 0.3;
/** So many kept candidates that looked worse at the cheap budget are no accident: one in a hundred was allowed for. */
const MOST_UPSETS = 2;
/** What screening may cost a run more than it saves, in full measurements. */
const MOST_LOSS = 3;

/** Why screening misleads or does not pay in this run, from what the run has measured; null while it may go on. */
export function whyScreeningEnds(worth: ScreenWorth): string | null {
  const { pairs, spentSeconds, savedSeconds, fullSeconds, silent } = worth;
  const kept = pairs.filter((pair) => pair.isKept);
  const upsets = kept.filter((pair) => pair.looksWorse).length;
  if (upsets >= MOST_UPSETS && 2 * upsets >= kept.length)
    return `${upsets} of ${kept.length} candidates that were kept looked worse at the cheap budget`;
  if (pairs.length >= MIN_RANKED) {
    const correlation = rankCorrelation(pairs);
    if (correlation < LEAST_CORRELATION)
      return `the cheap budget ranks candidates unlike the full one: rank correlation ${correlation.toFixed(2)} over ${pairs.length}`;
  }
  const loss = (spentSeconds - savedSeconds) / fullSeconds;
  if (loss <= MOST_LOSS) return null;
  const said = `it has cost ${loss.toFixed(1)} full measurements more than it has saved`;
  return silent && silent.n > 0
    ? `${said}; ${silent.n} of ${silent.of} candidates gave no number at the cheap budget`
    : said;
}

/** Spearman's rank correlation of cheap and full effects; ties share their mean rank. 0 when either side is all equal. */
export function rankCorrelation(pairs: readonly ScreenPair[]): number {
  const x = ranks(pairs.map((pair) => pair.cheap));
  const y = ranks(pairs.map((pair) => pair.full));
  const middle = (pairs.length + 1) / 2;
  let [sum, xx, yy] = [0, 0, 0];
  for (let i = 0; i < pairs.length; i++) {
    const [a, b] = [(x[i] as number) - middle, (y[i] as number) - middle];
    sum += a * b;
    xx += a * a;
    yy += b * b;
  }
  return xx > 0 && yy > 0 ? sum / Math.sqrt(xx * yy) : 0;
}

function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}
