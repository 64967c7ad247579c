import { configKey } from '@nightshift/protocol';
import type { Work } from './objectives.js';
import type { RealResult } from './real.js';
import { markdown, show } from './report.js';
import { claimOf } from './score.js';
import { estimate, studentQuantile95, type Estimate } from './statistics.js';

/** What a race says of its choice, and what fresh trainings say of it. Improvements are fractions of the baseline. */
export interface Worth {
  /** By the fresh trainings, round by round against the baseline's; null when nothing was kept. */
  fresh: Estimate | null;
  /** What the run reports; null when nothing was kept. */
  claimed: number | null;
  /** Claimed less fresh, in standard errors of that difference. */
  apart: number | null;
}

export function worthOf(result: RealResult, work: Work): Worth {
  const { log, fresh } = result;
  const sign = work.goal === 'minimize' ? 1 : -1;
  if (configKey(log.chosen) === configKey(work.base)) return { fresh: null, claimed: null, apart: null };
  const gains = fresh.chosen.flatMap((mine, round) => {
    const theirs = fresh.baseline[round] ?? null;
    return mine === null || theirs === null ? [] : [(sign * (theirs - mine)) / Math.abs(theirs)];
  });
  const worth = estimate(gains);
  const claim = claimOf(log, work);
  const claimed = claim?.improvement ?? null;
  const baseline = log.groups[0]?.values ?? [];
  if (!claim?.standardError || claimed === null || gains.length < 2) return { fresh: worth, claimed, apart: null };
  // The claim is a difference too: the noise of the baseline's mean comes on top of that of the choice's.
  const level = Math.abs(baseline.reduce((sum, value) => sum + value, 0) / baseline.length);
  const claimError = (claim.standardError / level) * Math.sqrt(1 + claim.n / baseline.length);
  const freshError = worth.half / studentQuantile95(gains.length - 1);
  return { fresh: worth, claimed, apart: (claimed - worth.mean) / Math.hypot(claimError, freshError) };
}

const NOTHING = '0, nothing kept';
const percent = ({ mean, half }: Estimate): Estimate => ({ mean: 100 * mean, half: 100 * half });

/** A row for each race; with several seeds one more for each contender, whose interval is over the seeds: a choice that kept nothing counts as 0. */
export function realTable(results: readonly RealResult[], work: Work): string {
  const head = [
    'seed',
    'contender',
    'improvement, %',
    'claimed, %',
    'apart, standard errors',
    'distinct',
    'knobs touched',
    'repeats',
    'failed',
    'kept',
    'training, s',
  ];
  const rows = results.map((result) => ({ ...result, worth: worthOf(result, work) }));
  const lines = rows.map(({ seed, contender, log, seconds, worth }) => [
    String(seed),
    contender,
    worth.fresh ? show(percent(worth.fresh)) : NOTHING,
    worth.claimed === null ? '–' : (100 * worth.claimed).toFixed(1),
    worth.apart === null ? '–' : worth.apart.toFixed(1),
    String(log.distinct),
    `${log.touched.size} of ${Object.keys(work.menu.knobs).length}`,
    String(log.wastedRepeats),
    String(log.failures),
    String(log.kept.length),
    seconds.toFixed(0),
  ]);
  const contenders = [...new Set(rows.map(({ contender }) => contender))];
  const seeds = new Set(rows.map(({ seed }) => seed)).size;
  const over = contenders.map((name) => {
    const mine = rows.filter(({ contender }) => contender === name);
    const mean = (pick: (row: (typeof rows)[number]) => number) => estimate(mine.map(pick)).mean;
    return [
      `all ${seeds}`,
      name,
      // Not 0 ± 0, which would be a claim to know it exactly.
      mine.some(({ worth }) => worth.fresh)
        ? show(percent(estimate(mine.map(({ worth }) => worth.fresh?.mean ?? 0))))
        : NOTHING,
      '',
      '',
      mean(({ log }) => log.distinct).toFixed(1),
      mean(({ log }) => log.touched.size).toFixed(1),
      mean(({ log }) => log.wastedRepeats).toFixed(1),
      mean(({ log }) => log.failures).toFixed(1),
      mean(({ log }) => log.kept.length).toFixed(1),
      mean(({ seconds }) => seconds).toFixed(0),
    ];
  });
  return markdown(head, seeds > 1 ? [...lines, ...over] : lines);
}
