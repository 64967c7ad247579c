import type { Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { isOfPatches } from './change-names.js';
import { MOST_TRIED_ROWS, reportFacts, type ReportFacts } from './report-facts.js';
import { standingText } from './standing.js';
import { CHART_STYLE, coverageChart, metricChart, repeatChart } from './svg.js';
import { countText, escapeHtml, gainText, metricText, pairText } from './wording.js';

/** What is wider than the screen shows it: a shade at the edge where it goes on, and words above charts that do not fit. */
const SCROLL_STYLE = `figure,.scroll{background:linear-gradient(to right,var(--paper) 30%,transparent) left/48px 100% no-repeat local,linear-gradient(to left,var(--paper) 30%,transparent) right/48px 100% no-repeat local,linear-gradient(to right,var(--line),transparent) left/20px 100% no-repeat scroll,linear-gradient(to left,var(--line),transparent) right/20px 100% no-repeat scroll}
@media (max-width:599px){figure::before{content:'scroll sideways for the rest →';position:sticky;left:0;display:inline-block;font-size:.8rem;color:var(--soft)}}
`;
const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2330;--soft:#5b6575;--line:#e3e7ed;--panel:#f6f8fa;--measured:#4f7cc4;--kept:#16833f;--failed:#c2352b;--warn:#8a5a00}
@media (prefers-color-scheme:dark){:root{--paper:#12161d;--ink:#e6eaf0;--soft:#9aa5b4;--line:#2a313c;--panel:#1a202a;--measured:#7ba4e8;--kept:#4cc38a;--failed:#ff7b72;--warn:#e3b341}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:920px;margin:0 auto;padding:28px 20px 60px}h1{font-size:1.5rem;margin:0 0 2px;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:34px 0 8px}
p{margin:6px 0}.soft{color:var(--soft)}.verdict{border-left:4px solid var(--soft);background:var(--panel);padding:12px 16px;margin:18px 0}
.verdict b{text-transform:uppercase;letter-spacing:.04em}.flailing,.blind{border-color:var(--failed)}.exploring,.exploiting{border-color:var(--kept)}.plateaued{border-color:var(--warn)}
.verdict ul{margin:6px 0 0;padding-left:20px}.lead p:first-child{font-size:1.1rem}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}td{overflow-wrap:anywhere;min-width:9em}
th{color:var(--soft);font-weight:600}.n{text-align:right;white-space:nowrap;min-width:0}.warnings{color:var(--warn)}figure{margin:0;overflow-x:auto}figure svg{min-width:560px}
${SCROLL_STYLE}.lead,.verdict,main>p{overflow-wrap:anywhere}${CHART_STYLE}`;

/** The report as one HTML page that needs nothing else: no script, no font, no image, no network. Every text from outside is escaped. */
export function reportHtml(trajectory: Trajectory, analysis: Analysis, title = 'Trajectory report'): string {
  const facts = reportFacts(trajectory, analysis);
  const { verdict, reasons } = analysis.health;
  const name = escapeHtml(title);
  const sections = [
    `<h1>${name}</h1><p class="soft">${escapeHtml(`${trajectory.metric.name}, ${trajectory.metric.goal}; ${countText(analysis.iterations, 'iteration')}`)}</p>`,
    `<div class="lead">${facts.headline.map((line) => `<p>${escapeHtml(line)}</p>`).join('')}</div>`,
    `<div class="verdict ${verdict}"><b>${verdict}</b><ul>${list(reasons)}</ul></div>`,
    `<h2>${escapeHtml(trajectory.metric.name)} by iteration</h2><figure>${metricChart(trajectory, analysis)}</figure>`,
    isOfPatches(trajectory) ? '' : `<h2>Knob coverage</h2><figure>${coverageChart(trajectory, analysis)}</figure>`,
    `<h2>Repeat rate by window</h2><figure>${repeatChart(analysis)}</figure>`,
    `<h2>Figures</h2>${table([], facts.figures)}`,
    `<h2>Noise</h2>${facts.noise.map((line) => `<p>${escapeHtml(line)}</p>`).join('')}`,
    keepsSection(facts),
    triedSection(facts, isOfPatches(trajectory) ? 'change' : 'pair'),
    failuresSection(facts),
    earlierSection(facts, trajectory.metric.name),
    analysis.warnings.length === 0 ? '' : `<h2>Warnings</h2><ul class="warnings">${list(analysis.warnings)}</ul>`,
  ];
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">` +
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">` +
    `<title>${name}</title><style>${STYLE}</style></head><body><main>\n${sections.filter(Boolean).join('\n')}\n</main></body></html>\n`
  );
}

function keepsSection(facts: ReportFacts): string {
  if (facts.keeps.length === 0) return '';
  const rows = facts.keeps.map((keep) => [
    String(keep.iteration),
    keep.what,
    metricText(keep.metric),
    gainText(keep.gain),
  ]);
  return `<h2>Keeps</h2>${table(['#iteration', 'change', '#metric', '#against the baseline'], rows)}`;
}

function triedSection(facts: ReportFacts, what: string): string {
  if (facts.tried.length === 0) return '';
  const more = facts.tried.length - MOST_TRIED_ROWS;
  const isScreened = facts.tried.some((row) => row.screened_out > 0);
  const rows = facts.tried
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
    ]);
  const head = [
    what,
    '#proposed',
    '#n',
    '#mean',
    '#gain',
    '#kept',
    '#reverted',
    '#inconclusive',
    '#failed',
    '#blocked',
    ...(isScreened ? ['#screened out'] : []),
  ];
  return `<h2>What was tried, best mean first</h2>${table(head, rows)}${more > 0 ? `<p class="soft">and ${countText(more, 'more change')}</p>` : ''}`;
}

function failuresSection(facts: ReportFacts): string {
  if (facts.failures.length === 0) return '';
  const rows = facts.failures.map(({ cause, count, iterations }) => [cause, String(count), iterations.join(', ')]);
  return `<h2>Without a measurement</h2>${table(['cause', '#count', 'iterations'], rows)}`;
}

function earlierSection({ earlier }: ReportFacts, metricName: string): string {
  if (earlier === null) return '';
  const shown = earlier.rows.slice(-MOST_TRIED_ROWS);
  const rows = shown.map((row) => [String(row.line), row.commit.slice(0, 10), row.metric, row.status, row.description]);
  const more = earlier.rows.length - shown.length;
  const head = ['#line', 'commit', `#${metricName} there`, 'status', 'description'];
  const said = earlier.lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('');
  return `<h2>${escapeHtml(earlier.title)}</h2>${said}${table(head, rows)}${more > 0 ? `<p class="soft">and ${more} rows before these</p>` : ''}`;
}

/** A heading that starts with # is of a column of numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const kind = (column: number) => (head[column]?.startsWith('#') ? ' class="n"' : '');
  const top = head.map((text, column) => `<th${kind(column)}>${escapeHtml(text.replace(/^#/, ''))}</th>`).join('');
  const body = rows
    .map((row) => `<tr>${row.map((text, column) => `<td${kind(column)}>${escapeHtml(text)}</td>`).join('')}</tr>`)
    .join('');
  return `<div class="scroll"><table>${top === '' ? '' : `<thead><tr>${top}</tr></thead>`}<tbody>${body}</tbody></table></div>`;
}

function list(items: readonly string[]): string {
  return items.map((item) => `<li>${escapeHtml(item)}</li>`).join('');
}
