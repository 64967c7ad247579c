import { formatDuration, type Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { changeOf, isOfPatches, nameOf, recordOf } from './change-names.js';
import type { ScreeningFigures } from './screening-figures.js';
import { countText, metricText, shareText } from './wording.js';

/** The table of figures: what is not known has no row. */
export function reportFigures(trajectory: Trajectory, analysis: Analysis): [string, string][] {
  const { knobs, pairs, keeps, plateau, cost, baseline } = analysis;
  const rows: [string, string | null][] = [
    [
      'iterations',
      `${analysis.iterations}: ${analysis.kept} kept, ${analysis.reverted} reverted, ${analysis.inconclusive} inconclusive, ` +
        `${analysis.blocked} blocked, ${analysis.failed} failed` +
        (analysis.screenedOut > 0 ? `, ${analysis.screenedOut} screened out` : ''),
    ],
    [
      'baseline',
      baseline.value === null
        ? null
        : `${trajectory.metric.name} ${metricText(baseline.value)} (${countText(baseline.n, 'measurement')}; ${trajectory.metric.goal})`,
    ],
    ['measurement', trajectory.measurement ?? null],
    [
      'knob coverage',
      knobs.touched === null || isOfPatches(trajectory)
        ? null
        : knobs.total === null
          ? `${countText(knobs.touched, 'knob')} touched; the menu is not known`
          : `${knobs.touched} of ${knobs.total} knobs (${shareText(knobs.coverage)})`,
    ],
    [
      'never tried',
      knobs.untouched === null ? null : knobs.untouched.length === 0 ? 'none' : knobs.untouched.join(', '),
    ],
    [
      isOfPatches(trajectory) ? 'changes' : 'pairs',
      pairs.unique === null || pairs.unique === 0
        ? null
        : `${pairs.unique} distinct; ${pairs.repeats} of ${analysis.evaluated} evaluated iterations repeat one (${shareText(pairs.repeatRate)}); ${countText(pairs.noops ?? 0, 'no-op')}`,
    ],
    [
      'first keep',
      keeps.first === null
        ? null
        : `iteration ${keeps.first.iteration} (${changeOf(trajectory, keeps.first.knob, keeps.first.value, recordOf(trajectory, keeps.first.iteration))}, ${metricText(keeps.first.metric)})`,
    ],
    [
      'top pair of keeps',
      // Of keeps that are all different none is the top.
      keeps.topPairShare === null || !keeps.byPair[0] || keeps.byPair[0].kept === 1
        ? null
        : `${nameOf(trajectory, keeps.byPair[0].knob, keeps.byPair[0].value)}: ${keeps.byPair[0].kept} of ${keeps.count} (${shareText(keeps.topPairShare)})`,
    ],
    [
      'plateau',
      plateau.current === null
        ? null
        : `longest ${plateau.longest}, now ${countText(plateau.current, 'evaluated iteration')}`,
    ],
    [
      'time',
      cost.wallSeconds === null
        ? null
        : `${formatDuration(cost.wallSeconds * 1000)}, ${formatDuration((cost.secondsPerIteration ?? 0) * 1000)} an iteration` +
          (cost.modelSecondsPerCall === null
            ? ''
            : `, ${formatDuration(cost.modelSecondsPerCall * 1000)} a model call`),
    ],
    ['guards', analysis.guards.length === 0 ? null : guardsText(analysis.guards)],
    ['screening', analysis.screening === null ? null : screeningText(analysis.screening)],
    ['critic', analysis.critic === null ? null : criticText(analysis.critic)],
    ['outweighed', outweighedText(trajectory)],
    ['model cost', cost.modelUsd === null ? null : `${Number(cost.modelUsd.toPrecision(3))} USD`],
    ['energy', cost.energyWh === null ? null : energyText(cost.energyWh, keeps.best?.improvement ?? null)],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== null);
}

function guardsText(guards: Analysis['guards']): string {
  const one = ({ guard, iterations }: Analysis['guards'][number]): string =>
    `${guard} reverted ${countText(iterations.length, 'iteration')} (${iterations.join(', ')})`;
  return `${guards.map(one).join('; ')} that would have been kept by the metric alone`;
}

function criticText({ vetoes, overruled, overruledKept, passed, passedKept }: NonNullable<Analysis['critic']>): string {
  const scored =
    overruled === 0
      ? 'none of them measured to score it'
      : `${overruled} measured all the same, of which ${overruledKept} kept: what it would have lost`;
  return `${countText(vetoes, 'veto', 'vetoes')}, ${scored}; of ${passed} that it let pass ${passedKept} kept`;
}

function outweighedText({ records }: Trajectory): string | null {
  const turns = records.flatMap(({ outweighed = [] }) => (outweighed.length > 0 ? [outweighed.length] : []));
  if (turns.length === 0) return null;
  const tries = turns.reduce((sum, n) => sum + n, 0);
  return `${countText(tries, 'proposal')} of the model in ${countText(turns.length, 'iteration')}: the measurements promised less of them than of the sampler's own`;
}

function energyText(energyWh: number, improvement: number | null): string {
  const kwh = energyWh / 1000;
  const total = `${Number(kwh.toPrecision(3))} kWh`;
  if (improvement === null || improvement <= 0) return total;
  return `${total}, ${Number((kwh / (improvement * 100)).toPrecision(3))} kWh for each percent of the best keep`;
}

function screeningText({ screened, screenedOut, cheapSeconds, savedSeconds, off }: ScreeningFigures): string {
  const time = (seconds: number) => formatDuration(Math.round(Math.abs(seconds) * 1000));
  const net = savedSeconds < 0 ? `cost ${time(savedSeconds)} more than it saved` : `saved ${time(savedSeconds)} net`;
  return (
    `${screenedOut} of ${screened} candidates given up at the cheap budget; ${time(cheapSeconds)} of cheap training ${net}` +
    (off === null ? '' : `; turned itself off: ${off}`)
  );
}
