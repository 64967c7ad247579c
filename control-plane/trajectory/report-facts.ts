import {
  formatDuration,
  UNSEALED_WARNING,
  type Config,
  type KnobValue,
  type Trajectory,
  type TrajectoryRecord,
} from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { improvementOver, isEvaluated, meanOf, measurementsOf, PATCH_KNOB, replicateKey } from './measurements.js';
import { earlierFacts, type EarlierFacts } from './earlier-facts.js';
import { baselineMeasurements } from './replicated.js';
import type { ScreeningFigures } from './screening-figures.js';
import { standingText, standsOnOf } from './standing.js';
import { triedRows, type TriedRow } from './tried-rows.js';
import { countText, gainText, metricText, pairText, shareText } from './wording.js';

/** Rows of the table of pairs that a page shows; the worst are left out beyond it. */
export const MOST_TRIED_ROWS = 200;

/** What every form of the report says, in the same words. */
export interface ReportFacts {
  /** What the run may claim, first; then what its luckiest draw would claim. */
  headline: string[];
  figures: [label: string, value: string][];
  keeps: { iteration: number; what: string; metric: number; gain: number | null }[];
  tried: TriedRow[];
  failures: { cause: string; count: number; iterations: number[] }[];
  noise: string[];
  /** The session that the run goes on from; null when there is none. */
  earlier: EarlierFacts | null;
}

export function reportFacts(trajectory: Trajectory, analysis: Analysis): ReportFacts {
  const { goal } = trajectory.metric;
  return {
    headline: [
      ...(trajectory.failed ? [`The run failed: ${trajectory.failed}.`] : []),
      ...headlineOf(trajectory, analysis),
      ...(trajectory.measurement === 'unsealed' ? [UNSEALED_WARNING] : []),
      ...configurationOf(trajectory, analysis),
    ],
    figures: figuresOf(trajectory, analysis),
    keeps: trajectory.records
      .filter((record) => record.outcome === 'kept')
      .filter(isEvaluated)
      .map((record) => ({
        iteration: record.iteration,
        what: record.proposal
          ? changeOf(trajectory, record.proposal.knob, record.proposal.newValue, record)
          : (record.description ?? 'not said'),
        metric: record.metric,
        gain: improvementOver(goal, trajectory.baseline.value, record.metric),
      })),
    tried: triedRows(trajectory),
    failures: failuresOf(trajectory),
    noise: noiseWords(analysis),
    earlier: earlierFacts(trajectory, analysis),
  };
}

/** What a reader takes away: the complete configuration that the run came to, else of the last keep, as JSON that a job can be run with. */
function configurationOf(trajectory: Trajectory, { replicated }: Analysis): string[] {
  const { incumbent } = trajectory;
  const last = trajectory.records.findLast(
    (record) => record.outcome === 'kept' && record.config !== null && (!incumbent || record.iteration === incumbent),
  );
  const { knob, config } = last === undefined && replicated !== null ? replicated : { knob: '', config: null };
  if (config !== null && knob !== PATCH_KNOB && Object.keys(config).length > 0)
    return [`The configuration that was replicated: ${configText(config)}`];
  if (!last?.config || Object.keys(last.config).length === 0) return [];
  return [`The configuration that the run ended with (iteration ${last.iteration}): ${configText(last.config)}`];
}

/** JSON with a space after each comma, so that a terminal breaks it between knobs and what is copied from there is still JSON. */
function configText(config: Config): string {
  const entries = Object.entries(config).map(([knob, value]) => `${JSON.stringify(knob)}:${JSON.stringify(value)}`);
  return `{${entries.join(', ')}}`;
}

/** Code mode: there are no knobs to tell of. */
export function isOfPatches({ menu, measurement, records }: Trajectory): boolean {
  if (menu !== null && Object.keys(menu.knobs).length > 0) return false;
  const proposed = records.flatMap(({ proposal }) => (proposal === null ? [] : [proposal.knob]));
  return proposed.length === 0 ? Boolean(measurement) : proposed.every((knob) => knob === PATCH_KNOB);
}

/** A pair as reports name it; a patch by its summary, where somebody gave one. */
function nameOf(trajectory: Trajectory, knob: string | null, value: KnobValue | null): string {
  if (knob !== PATCH_KNOB) return pairText(knob, value);
  const record = trajectory.records.find(({ proposal }) => proposal?.knob === knob && proposal.newValue === value);
  return record?.description ?? pairText(knob, value);
}

/** A change with what it was made to: a number of both together must not pass for one of the change alone. */
function changeOf(
  trajectory: Trajectory,
  knob: string | null,
  value: KnobValue | null,
  record?: TrajectoryRecord,
): string {
  return nameOf(trajectory, knob, value) + (record ? standingText(standsOnOf(trajectory, record)) : '');
}

/**
 * Whether the confirmed gain, else the replicated one, stands out of the noise: more than two standard errors of the difference of the two means,
 * sd * sqrt(1/n + 1/m). Null while the noise is not known.
 */
export function standsOut(trajectory: Trajectory, { confirmed, replicated, noise }: Analysis): boolean | null {
  const base = meanOf(baselineMeasurements(trajectory));
  const claim =
    confirmed === null
      ? replicated && { ...replicated, baseline: { value: base, n: baselineMeasurements(trajectory).length } }
      : confirmed;
  if (claim === null || claim.improvement === null || noise.sd === null || !claim.baseline.value) return null;
  const error = (noise.sd * Math.sqrt(1 / claim.n + 1 / claim.baseline.n)) / Math.abs(claim.baseline.value);
  return claim.improvement > 2 * error;
}

function headlineOf(trajectory: Trajectory, analysis: Analysis): string[] {
  const { confirmed, replicated, keeps } = analysis;
  const { name } = trajectory.metric;
  const lines: string[] = [];
  const base = baselineMeasurements(trajectory);
  const claim = (
    figures: NonNullable<Analysis['confirmed'] | Analysis['replicated']>,
    from = { value: meanOf(base), n: base.length },
  ): string => {
    const error =
      figures.standardError === null ? '' : ` ± ${metricText(Number(figures.standardError.toPrecision(2)))}`;
    const what = `${metricText(figures.mean)}${error} over ${countText(figures.n, 'measurement')}`;
    if (figures.improvement === null) return `${what}; there is no measurement of the baseline to set it against.`;
    const against = `the baseline's mean of ${countText(from.n, 'measurement')} (${metricText(from.value)})`;
    return `${what}, ${gainText(figures.improvement)} against ${against}.`;
  };
  const { unconfirmed } = trajectory;
  if (unconfirmed)
    lines.push(
      `Not confirmed: what iteration ${unconfirmed.iteration} kept was to be measured anew after the search, and was not: ${unconfirmed.why}.`,
    );
  if (confirmed !== null) {
    lines.push(
      `Confirmed: what iteration ${confirmed.iteration} kept, measured anew after it was chosen, has ${name} ${claim(confirmed, confirmed.baseline)}`,
    );
    if (standsOut(trajectory, analysis) === false)
      lines.push('That is within two standard errors: no improvement has been shown.');
  } else if (replicated !== null) {
    const what = nameOf(trajectory, replicated.knob, replicated.value) + standingText(replicated.standsOn);
    const { guards } = replicated;
    const reverted = guards.length === 0 ? '' : `, which the ${guardText(guards)} reverted,`;
    lines.push(`Replicated: ${what}${reverted} has ${name} ${claim(replicated)}`);
    const verdict = standsOut(trajectory, analysis);
    if (verdict === false) lines.push('That is within two standard errors: no improvement has been shown.');
    if (verdict === true && base.length === 1)
      lines.push('The baseline itself was measured once; more measurements of it would make this firmer.');
  } else if (analysis.evaluated > 0) lines.push('No change was measured twice: no gain has been replicated.');
  const best = keeps.best;
  if (best !== null) {
    const record = recordOf(trajectory, best.iteration);
    const what =
      best.knob === null
        ? (record?.description ?? 'an unnamed change')
        : changeOf(trajectory, best.knob, best.value, record);
    const luck = record === undefined ? '' : luckOf(trajectory, record);
    lines.push(
      `Single best keep: iteration ${best.iteration}, ${what}, ${name} ${metricText(best.metric)}, ${gainText(best.improvement)}${luck}.`,
    );
  } else
    lines.push(
      analysis.evaluated > 0
        ? 'Nothing was kept.'
        : base.length > 0
          ? 'No change was measured.'
          : 'Nothing was measured.',
    );
  return lines;
}

function recordOf(trajectory: Trajectory, keep: number): TrajectoryRecord | undefined {
  return trajectory.records.find((row) => row.iteration === keep && row.outcome === 'kept');
}

/** How far one iteration can be trusted: a mean of several measurements, the best of several draws, or a single one. */
function luckOf(trajectory: Trajectory, record: TrajectoryRecord): string {
  const { audits = [] } = record;
  const again =
    audits.length === 0
      ? ''
      : `; ${metricText(meanOf(measurementsOf(record)))} with ${countText(audits.length, 'later measurement')} of it as the comparator`;
  if (record.values.length > 1) return `, the mean of ${record.values.length} measurements${again}`;
  if (record.proposal === null) return `, measured once${again}`;
  const key = replicateKey(record.proposal, record);
  const draws = trajectory.records.filter(
    (row) => row.proposal !== null && isEvaluated(row) && replicateKey(row.proposal, row) === key,
  ).length;
  return `${draws > 1 ? `, the best of ${draws} draws of that pair` : ', measured once'}${again}`;
}

function figuresOf(trajectory: Trajectory, analysis: Analysis): [string, string][] {
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

function guardText(guards: string[]): string {
  return `${guards.length === 1 ? 'guard' : 'guards'} ${guards.join(' and ')}`;
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

function failuresOf(trajectory: Trajectory): ReportFacts['failures'] {
  const causes = new Map<string, number[]>();
  for (const record of trajectory.records) {
    if (record.outcome !== 'failed' && record.outcome !== 'blocked' && record.outcome !== 'screened_out') continue;
    const cause =
      record.outcome === 'blocked'
        ? `blocked by ${record.rail ?? 'a rail'}`
        : record.outcome === 'screened_out'
          ? 'screened out at the cheap budget'
          : (record.failure ?? 'no cause given');
    causes.set(cause, [...(causes.get(cause) ?? []), record.iteration]);
  }
  return [...causes]
    .map(([cause, iterations]) => ({ cause, count: iterations.length, iterations }))
    .sort((a, b) => b.count - a.count);
}

function noiseWords(analysis: Analysis): string[] {
  const { sd, degreesOfFreedom, relative, flipped } = analysis.noise;
  if (sd === null) return ['The noise is not known: nothing was measured twice, so no gain can be told from luck.'];
  const share = relative === null ? '' : ` (${Number((relative * 100).toPrecision(2))}% of the baseline)`;
  const lines = [
    `One measurement has a standard deviation of ${metricText(Number(sd.toPrecision(3)))}${share}, from ${countText(degreesOfFreedom, 'degree')} of freedom.`,
  ];
  if (flipped.length > 0)
    lines.push(
      `Both kept and reverted: ${flipped
        .map((pair) => `${pairText(pair.knob, pair.value)} (${pair.kept} kept, ${pair.reverted} reverted)`)
        .join(', ')}.`,
    );
  return lines;
}
