import { UNSEALED_WARNING, type Config, type Trajectory, type TrajectoryRecord } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { improvementOver, isEvaluated, meanOf, measurementsOf, PATCH_KNOB, replicateKey } from './measurements.js';
import { changeOf, nameOf, recordOf } from './change-names.js';
import { earlierFacts, type EarlierFacts } from './earlier-facts.js';
import { baselineMeasurements } from './replicated.js';
import { reportFigures } from './report-figures.js';
import { standingText } from './standing.js';
import { triedRows, type TriedRow } from './tried-rows.js';
import { countText, gainText, metricText, pairText } from './wording.js';

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
    figures: reportFigures(trajectory, analysis),
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

function guardText(guards: string[]): string {
  return `${guards.length === 1 ? 'guard' : 'guards'} ${guards.join(' and ')}`;
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
