import type { Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { isOfPatches } from './change-names.js';
import { reportFacts } from './report-facts.js';
import { standingText } from './standing.js';
import { countText, gainText, metricText, pairText, plainText, shareText } from './wording.js';

export interface TextOptions {
  title?: string | undefined;
  /** Columns of the terminal; 100 when not given, never below 60. */
  width?: number | undefined;
  /** Rows of the table of what was tried; 15 when not given. */
  triedRows?: number | undefined;
}

/** The report for a terminal: plain text, no colours, no line wider than `width`. */
export function reportText(trajectory: Trajectory, analysis: Analysis, options: TextOptions = {}): string {
  const width = Math.max(60, options.width ?? 100);
  const most = options.triedRows ?? 15;
  const facts = reportFacts(trajectory, analysis);
  const lines: string[] = [];
  const heading = (text: string) => lines.push('', text, '-'.repeat(Math.min(width, text.length)));
  const title = plainText(options.title ?? 'Trajectory report', width);
  lines.push(title, '='.repeat(title.length));
  for (const line of facts.headline) lines.push(...wrap(line, width));
  heading(`Health: ${analysis.health.verdict}`);
  for (const reason of analysis.health.reasons) lines.push(...wrap(reason, width, '- ', '  '));
  heading('Figures');
  const labelWidth = Math.max(...facts.figures.map(([label]) => label.length)) + 2;
  for (const [label, value] of facts.figures)
    lines.push(...wrap(value, width, label.padEnd(labelWidth), ' '.repeat(labelWidth)));
  for (const line of facts.noise) lines.push(...wrap(line, width, 'noise'.padEnd(labelWidth), ' '.repeat(labelWidth)));
  const windows = analysis.pairs.windows ?? [];
  if (windows.length > 0) {
    const shown = windows.slice(-8).map((window) => `${window.first}-${window.last}: ${shareText(window.repeatRate)}`);
    lines.push(...wrap(shown.join('   '), width, 'repeats'.padEnd(labelWidth), ' '.repeat(labelWidth)));
  }
  if (facts.keeps.length > 0) {
    heading('Keeps');
    const rows = facts.keeps.map((keep) => [
      String(keep.iteration),
      metricText(keep.metric),
      gainText(keep.gain),
      keep.what,
    ]);
    lines.push(...table(['iteration>', `${trajectory.metric.name}>`, 'gain>', 'change'], rows, width));
  }
  if (facts.tried.length > 0) {
    heading('What was tried, best mean first');
    const rows = facts.tried
      .slice(0, most)
      .map((row) => [
        pairText(row.knob, row.value) + standingText(row.standsOn),
        String(row.proposed),
        String(row.n),
        row.mean === null ? '' : metricText(row.mean),
        row.improvement === null ? '' : gainText(row.improvement),
        outcomeWords(row),
      ]);
    lines.push(
      ...table(
        [isOfPatches(trajectory) ? 'change' : 'pair', 'proposed>', 'n>', 'mean>', 'gain>', 'outcomes'],
        rows,
        width,
      ),
    );
    if (facts.tried.length > most) lines.push(`and ${countText(facts.tried.length - most, 'more change')}`);
  }
  if (facts.failures.length > 0) {
    heading('Without a measurement');
    const rows = facts.failures.map(({ cause, count, iterations }) => [String(count), iterations.join(', '), cause]);
    lines.push(...table(['count>', 'iterations', 'cause'], rows, width));
  }
  if (facts.earlier !== null) {
    heading(facts.earlier.title);
    for (const line of facts.earlier.lines) lines.push(...wrap(line, width));
    const rows = facts.earlier.rows
      .slice(-most)
      .map((row) => [String(row.line), row.commit.slice(0, 10), row.metric, row.status, row.description]);
    lines.push(...table(['line>', 'commit', `${trajectory.metric.name}>`, 'status', 'description'], rows, width));
    if (facts.earlier.rows.length > most) lines.push(`and ${facts.earlier.rows.length - most} rows before these`);
  }
  if (analysis.warnings.length > 0) {
    heading('Warnings');
    for (const warning of analysis.warnings) lines.push(...wrap(warning, width, '- ', '  '));
  }
  return `${lines.join('\n')}\n`;
}

function outcomeWords(row: {
  kept: number;
  reverted: number;
  inconclusive: number;
  failed: number;
  blocked: number;
  screened_out: number;
}): string {
  const words = (['kept', 'reverted', 'inconclusive', 'failed', 'blocked', 'screened_out'] as const).filter(
    (name) => row[name] > 0,
  );
  return words.map((name) => `${row[name]} ${name.replace('_', ' ')}`).join(', ');
}

function wrap(text: string, width: number, first = '', rest = ''): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of plainText(text, 5000).split(' ')) {
    let left = word;
    if (!isEmpty && line.length + 1 + left.length > width) {
      lines.push(line.trimEnd());
      line = rest;
      isEmpty = true;
    }
    while (line.length + left.length > width) {
      lines.push(line + left.slice(0, width - line.length));
      left = left.slice(width - line.length);
      line = rest;
    }
    line += (isEmpty ? '' : ' ') + left;
    isEmpty = false;
  }
  return [...lines, line.trimEnd()];
}

/** Columns with two spaces between; one whose heading ends with > is of numbers. The widest column of text gives way until all fit. */
function table(head: readonly string[], rows: readonly (readonly string[])[], width: number): string[] {
  const names = head.map((name) => plainText(name.replace(/>$/, ''), 24));
  const cells = [names, ...rows.map((row) => row.map((text) => plainText(text)))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const total = () => widths.reduce((sum, size) => sum + size + 2, -2);
  while (total() > width) widths[widths.indexOf(Math.max(...widths))]! -= 1;
  return cells.map((row) =>
    row
      .map((text, column) => {
        const size = widths[column] as number;
        const cut = text.length > size ? `${text.slice(0, Math.max(0, size - 1))}…` : text;
        return head[column]?.endsWith('>') ? cut.padStart(size) : cut.padEnd(size);
      })
      .join('  ')
      .trimEnd(),
  );
}
