import type { EarlierRow, Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { countText, metricText } from './wording.js';

/** What a report says of the session that a run goes on from, beside and never among what was measured here. */
export interface EarlierFacts {
  title: string;
  lines: string[];
  /** The metric's name stands over the third column. */
  rows: { line: number; commit: string; metric: string; status: string; description: string }[];
}

const STATUS: Record<EarlierRow['outcome'], string> = { kept: 'keep', reverted: 'discard', failed: 'crash' };

export function earlierFacts({ earlier, metric, baseline }: Trajectory, analysis: Analysis): EarlierFacts | null {
  const figures = analysis.earlier;
  if (!earlier || figures === null) return null;
  const lines = [
    `${countText(figures.rows, 'row')} of ${figures.name}: ${figures.kept} kept, ${figures.discarded} discarded, ${figures.crashed} crashed. ` +
      'They were measured elsewhere and are in no figure of this report.',
  ];
  if (figures.best !== null)
    lines.push(
      `The best that it kept: ${named(figures.best)}, ${metric.name} ${metricText(figures.best.metric)} there.`,
    );
  if (figures.head !== null) {
    const is = { true: 'is', false: 'is NOT', null: 'is meant to be' }[String(figures.startsAtHead) as 'true'];
    const here =
      baseline.value === null
        ? 'not measured here yet'
        : `measured here ${countText(baseline.values.length, 'time')}: ${metricText(baseline.value)}`;
    lines.push(`The baseline ${is} the code of its last keep (${named(figures.head)}), ${here}.`);
  }
  return {
    title: `Earlier session (${figures.name})`,
    lines,
    rows: earlier.rows.map((row) => ({
      line: row.line,
      commit: row.commit ?? '',
      metric: row.metric === null ? '' : metricText(row.metric),
      status: STATUS[row.outcome],
      description: row.description,
    })),
  };
}

function named({ line, commit }: { line: number; commit: string | null }): string {
  return commit === null ? `line ${line}` : `${commit}, line ${line}`;
}
