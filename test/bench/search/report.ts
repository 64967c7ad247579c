import type { RaceResult } from './race.js';
import { estimate, type Estimate } from './statistics.js';

export const CHECKPOINTS = [25, 50, 100] as const;

/** The figures of one contender on one objective, over seeds. Regret is in percent of the baseline's distance to the optimum. */
export interface Row {
  objective: string;
  contender: string;
  seeds: number;
  knobs: number;
  regret: Record<string, Estimate>;
  distinct: Estimate;
  knobsTouchedFirst: Estimate;
  knobsTouched30: Estimate;
  wastedRepeats: Estimate;
  nearRepeats: Estimate;
  failures: Estimate;
  modelTurns: Estimate;
  falseKeeps: Estimate;
  claimError: Estimate;
}

export function summarise(objective: string, contender: string, knobs: number, results: RaceResult[]): Row {
  const of = (pick: (result: RaceResult) => number) => estimate(results.map(pick));
  const stated = results.flatMap(({ claimError }) => claimError.inStandardErrors ?? []);
  return {
    objective,
    contender,
    seeds: results.length,
    knobs,
    regret: Object.fromEntries(CHECKPOINTS.map((at) => [at, of((result) => regretAt(result, at))])),
    distinct: of((result) => result.distinct),
    knobsTouchedFirst: of((result) => result.knobsTouchedFirst),
    knobsTouched30: of((result) => result.knobsTouched30),
    wastedRepeats: of((result) => result.wastedRepeats),
    nearRepeats: of((result) => result.nearRepeats),
    failures: of((result) => result.failures),
    modelTurns: of((result) => result.modelTurns),
    falseKeeps: of((result) => result.falseKeeps),
    claimError: estimate(stated),
  };
}

export function regretAt(result: RaceResult, at: number): number {
  return 100 * (result.regret[at - 1] as number);
}

export const show = ({ mean, half }: Estimate, digits = 1) =>
  Number.isFinite(half) ? `${mean.toFixed(digits)} ± ${half.toFixed(digits)}` : mean.toFixed(digits);

export function markdown(head: string[], lines: string[][]): string {
  return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

export function raceTable(rows: Row[]): string {
  const head = [
    'contender',
    'seeds',
    ...CHECKPOINTS.map((at) => `regret ${at}`),
    'distinct',
    'knobs in first turns',
    'knobs by 30',
    'wasted repeats',
    'near repeats',
    'failed',
    'model turns',
    'false keeps',
    'error of best',
  ];
  const lines = rows.map((row) => [
    row.contender,
    String(row.seeds),
    ...CHECKPOINTS.map((at) => show(row.regret[at] as Estimate)),
    row.distinct.mean.toFixed(0),
    `${row.knobsTouchedFirst.mean.toFixed(1)} of ${row.knobs}`,
    `${row.knobsTouched30.mean.toFixed(1)} of ${row.knobs}`,
    row.wastedRepeats.mean.toFixed(1),
    row.nearRepeats.mean.toFixed(1),
    row.failures.mean.toFixed(1),
    row.modelTurns.mean.toFixed(0),
    row.falseKeeps.mean.toFixed(2),
    row.claimError.mean.toFixed(2),
  ]);
  return markdown(head, lines);
}

/** Results by objective, then by seed: the same seeds in the same order for every contender that shares them. */
export type BySeed = ReadonlyMap<string, readonly RaceResult[]>;

/** The mean regret over the objectives, one figure a seed. */
export function regretBySeed(results: BySeed, at: number): number[] {
  const all = [...results.values()];
  const seeds = Math.min(...all.map((list) => list.length));
  return Array.from(
    { length: seeds },
    (_, i) => all.reduce((sum, list) => sum + regretAt(list[i] as RaceResult, at), 0) / all.length,
  );
}

/** Regret of `mine` minus that of `theirs` at the same seeds: negative is better. */
export function pairedDifference(mine: BySeed, theirs: BySeed, at: number): Estimate {
  const [a, b] = [regretBySeed(mine, at), regretBySeed(theirs, at)];
  const count = Math.min(a.length, b.length);
  return estimate(a.slice(0, count).map((value, i) => value - (b[i] as number)));
}
