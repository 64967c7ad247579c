import type { Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import type { EarlierFacts } from './earlier-facts.js';
import { isOfPatches } from './change-names.js';
import { MOST_TRIED_ROWS, reportFacts } from './report-facts.js';
import { standingText } from './standing.js';
import { countText, escapeMarkdown, gainText, metricText, pairText, shareText } from './wording.js';

/** The report in Markdown (GitHub's tables). Every text from outside is escaped. */
export function reportMarkdown(trajectory: Trajectory, analysis: Analysis, title = 'Trajectory report'): string {
  const facts = reportFacts(trajectory, analysis);
  const blocks: string[] = [
    `# ${escapeMarkdown(title)}`,
    ...facts.headline.map(escapeMarkdown),
    `## Health: ${analysis.health.verdict}`,
    bullets(analysis.health.reasons),
    '## Figures',
    table(['figure', 'value'], facts.figures),
    '## Noise',
    ...facts.noise.map(escapeMarkdown),
  ];
  if (facts.keeps.length > 0)
    blocks.push(
      '## Keeps',
      table(
        ['iteration>', 'change', `${trajectory.metric.name}>`, 'against the baseline>'],
        facts.keeps.map((keep) => [String(keep.iteration), keep.what, metricText(keep.metric), gainText(keep.gain)]),
      ),
    );
  const isScreened = facts.tried.some((row) => row.screened_out > 0);
  if (facts.tried.length > 0)
    blocks.push(
      '## What was tried, best mean first',
      table(
        [
          isOfPatches(trajectory) ? 'change' : 'pair',
          'proposed>',
          'n>',
          'mean>',
          'gain>',
          'kept>',
          'reverted>',
          'inconclusive>',
          'failed>',
          'blocked>',
          ...(isScreened ? ['screened out>'] : []),
        ],
        facts.tried
          .slice(0, MOST_TRIED_ROWS)
          .map((row) => [
            pairText(row.knob, row.value) + standingText(row.standsOn),
            String(row.proposed),
            String(row.n),
            row.mean === null ? '' : metricText(row.mean),
            row.improvement === null ? '' : gainText(row.improvement),
            ...[
              row.kept,
              row.reverted,
              row.inconclusive,
              row.failed,
              row.blocked,
              ...(isScreened ? [row.screened_out] : []),
            ].map((n) => (n === 0 ? '' : String(n))),
          ]),
      ),
    );
  if (facts.tried.length > MOST_TRIED_ROWS)
    blocks.push(`and ${countText(facts.tried.length - MOST_TRIED_ROWS, 'more change')}`);
  if (facts.failures.length > 0)
    blocks.push(
      '## Without a measurement',
      table(
        ['cause', 'count>', 'iterations'],
        facts.failures.map(({ cause, count, iterations }) => [cause, String(count), iterations.join(', ')]),
      ),
    );
  const windows = analysis.pairs.windows ?? [];
  if (windows.length > 0)
    blocks.push(
      '## Repeat rate by window',
      table(
        ['evaluated iterations', 'repeats>'],
        windows.map((window) => [`${window.first} to ${window.last}`, shareText(window.repeatRate)]),
      ),
    );
  if (facts.earlier !== null) blocks.push(earlierMarkdown(facts.earlier, trajectory.metric.name));
  if (analysis.warnings.length > 0) blocks.push('## Warnings', bullets(analysis.warnings));
  return `${blocks.join('\n\n')}\n`;
}

/** Also part of the body of a pull request. */
export function earlierMarkdown({ title, lines, rows }: EarlierFacts, metricName: string, level = '##'): string {
  const shown = rows.slice(-MOST_TRIED_ROWS);
  return [
    `${level} ${escapeMarkdown(title)}`,
    ...lines.map(escapeMarkdown),
    table(
      ['line>', 'commit', `${metricName} there>`, 'status', 'description'],
      shown.map((row) => [String(row.line), row.commit.slice(0, 10), row.metric, row.status, row.description]),
    ),
    ...(rows.length > shown.length ? [`and ${rows.length - shown.length} rows before these`] : []),
  ].join('\n\n');
}

/** A heading that ends with > is of a column of numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const names = head.map((name) => escapeMarkdown(name.replace(/>$/, '')));
  const rule = head.map((name) => (name.endsWith('>') ? '---:' : '---'));
  return [names, rule, ...rows.map((row) => row.map(escapeMarkdown))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

function bullets(items: readonly string[]): string {
  return items.map((item) => `- ${escapeMarkdown(item)}`).join('\n');
}
