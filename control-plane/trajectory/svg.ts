import type { Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { axisTicks, clippedRange, legend, pixels } from './chart-scale.js';
import { isEvaluated, type EvaluatedRecord } from './measurements.js';
import { runningBest } from './plateau.js';
import { escapeHtml, metricText, pairText, plainText, shareText } from './wording.js';

const WIDTH = 860;

/** The style that the charts are drawn with; the page that holds them puts it in its own `<style>`. */
export const CHART_STYLE = `
.chart{width:100%;height:auto;font:12px system-ui,sans-serif}
.chart text{fill:var(--soft)}.chart .strong{fill:var(--ink)}
.chart .grid{stroke:var(--line);stroke-width:1}.chart .axis{stroke:var(--soft);stroke-width:1}
.chart .measured{fill:var(--measured);fill-opacity:.65}.chart .kept{fill:var(--kept);stroke:var(--paper);stroke-width:1}
.chart .best{fill:none;stroke:var(--kept);stroke-width:2}.chart .baseline{stroke:var(--ink);stroke-width:1;stroke-dasharray:5 4}
.chart .band{fill:var(--ink);fill-opacity:.07}.chart .failed{stroke:var(--failed);stroke-width:1.6;fill:none}
.chart .blocked{fill:none;stroke:var(--soft);stroke-width:1.4}.chart .bar{fill:var(--measured)}.chart .won{fill:var(--kept)}
.chart .missed{fill:var(--failed)}`;

/** The metric of each iteration with the baseline, the keeps and the running best. An outlier on the bad side is drawn at the edge with its value. */
export function metricChart(trajectory: Trajectory, analysis: Analysis): string {
  const { records, baseline, metric } = trajectory;
  const evaluated = records.filter(isEvaluated);
  const title = `${metric.name} by iteration`;
  const values = [...evaluated.map((record) => record.metric), ...(baseline.value === null ? [] : [baseline.value])];
  if (values.length === 0) return emptyChart(title, 'nothing was measured');
  const plot = { left: 70, right: WIDTH - 16, top: 36, bottom: 292 };
  const strip = plot.bottom + 12;
  const range = clippedRange(values, metric.goal);
  const first = records[0]?.iteration ?? 1;
  const last = Math.max(first + 1, ...records.slice(-1).map((record) => record.iteration));
  const numbers = records.map((record) => record.iteration);
  const low = Math.min(first, ...numbers.slice(0, 1));
  const x = pixels([low - 0.5, last + 0.5], [plot.left, plot.right]);
  const y = pixels([range.low, range.high], [plot.bottom, plot.top]);
  const radius = records.length > 300 ? 2 : records.length > 120 ? 3 : 4;
  const parts: string[] = [];
  for (const tick of axisTicks(range.low, range.high, 7)) {
    parts.push(line('grid', plot.left, y(tick), plot.right, y(tick)));
    parts.push(label(plot.left - 8, y(tick) + 4, metricText(tick), 'end'));
  }
  for (const tick of axisTicks(low, last, 10).filter(Number.isInteger))
    parts.push(label(x(tick), strip + 24, String(tick), 'middle'));
  const { sd } = analysis.noise;
  const marks: [string, string, string?][] = [
    ['measured', 'circle'],
    ['kept', 'diamond'],
    ['running best', 'line'],
  ];
  if (baseline.value !== null) {
    if (sd !== null) {
      const top = Math.max(plot.top, y(Math.min(range.high, baseline.value + sd)));
      const bottom = Math.min(plot.bottom, y(Math.max(range.low, baseline.value - sd)));
      parts.push(
        `<rect class="band" x="${plot.left}" y="${fix(top)}" width="${plot.right - plot.left}" height="${fix(bottom - top)}"/>`,
      );
    }
    if (baseline.value <= range.high && baseline.value >= range.low)
      parts.push(line('baseline', plot.left, y(baseline.value), plot.right, y(baseline.value)));
    marks.push([sd === null ? 'baseline' : 'baseline ± 1 sd', 'dashes']);
  }
  parts.push(
    `<path class="best" d="${stepPath(records, runningBest(trajectory), x, (value) => y(Math.min(range.high, Math.max(range.low, value))))}"/>`,
  );
  const isBeyond = (value: number) => value > range.high || value < range.low;
  const beyond = evaluated.filter((record) => isBeyond(record.metric)).map((record) => x(record.iteration));
  if (beyond.length > 0) marks.push(['beyond the scale', 'triangle']);
  const isFree = (from: number, to: number) =>
    from > plot.left && to < plot.right && !beyond.some((at) => at > from && at < to);
  // Keeps are drawn last, on top of what was only measured.
  for (const record of evaluated.toSorted((a, b) => Number(a.outcome === 'kept') - Number(b.outcome === 'kept'))) {
    const tip = tipOf(record);
    const at = x(record.iteration);
    if (isBeyond(record.metric)) {
      const isAbove = record.metric > range.high;
      const edge = isAbove ? plot.top : plot.bottom;
      parts.push(shape('measured', triangle(at, edge, isAbove ? 1 : -1), tip));
      const y0 = edge + (isAbove ? 10 : -2);
      if (isFree(at + 7, at + 62)) parts.push(label(at + 10, y0, metricText(record.metric), 'start'));
      else if (isFree(at - 62, at - 7)) parts.push(label(at - 10, y0, metricText(record.metric), 'end'));
    } else if (record.outcome === 'kept') parts.push(shape('kept', diamond(at, y(record.metric), radius + 2.5), tip));
    else
      parts.push(
        `<circle class="measured" cx="${fix(at)}" cy="${fix(y(record.metric))}" r="${radius}"><title>${tip}</title></circle>`,
      );
  }
  for (const record of records) {
    const at = x(record.iteration);
    const tip = `iteration ${record.iteration}: ${escapeHtml(plainText(record.failure ?? record.rail ?? record.outcome.replace('_', ' '), 120))}`;
    if (record.outcome === 'failed') parts.push(shape('failed', cross(at, strip, 3.5), tip));
    if (record.outcome === 'blocked') parts.push(shape('blocked', square(at, strip, 3), tip));
    if (record.outcome === 'screened_out') parts.push(shape('failed', dash(at, strip, 4), tip));
  }
  if (records.some((record) => record.outcome === 'failed')) marks.push(['failed', 'cross']);
  if (records.some((record) => record.outcome === 'blocked')) marks.push(['blocked', 'square']);
  if (records.some((record) => record.outcome === 'screened_out')) marks.push(['screened out', 'dash']);
  parts.push(line('axis', plot.left, plot.bottom, plot.right, plot.bottom));
  parts.push(
    label(
      (plot.left + plot.right) / 2,
      strip + 42,
      `iteration (${metric.goal === 'minimize' ? 'lower' : 'higher'} is better)`,
      'middle',
    ),
  );
  return chart(title, strip + 50, legend(marks, plot.left) + parts.join(''));
}

/** How often each knob was proposed and kept, in the order of the menu; those never tried are named. */
export function coverageChart(trajectory: Trajectory, analysis: Analysis): string {
  const title = 'knob coverage';
  const { proposals, untouched } = analysis.knobs;
  if (proposals === null) return emptyChart(title, 'this source does not say which knobs were changed');
  const names = trajectory.menu === null ? Object.keys(proposals) : Object.keys(trajectory.menu.knobs);
  if (names.length === 0) return emptyChart(title, 'nothing was proposed');
  const wins = new Map<string, number>();
  for (const record of trajectory.records)
    if (record.outcome === 'kept' && record.proposal !== null)
      wins.set(record.proposal.knob, (wins.get(record.proposal.knob) ?? 0) + 1);
  const countOf = (name: string) => (Object.hasOwn(proposals, name) ? (proposals[name] as number) : 0);
  const shown = names.slice(0, 60);
  const longest = Math.max(...shown.map((name) => Math.min(24, name.length)));
  const left = 20 + longest * 7;
  const right = WIDTH - 170;
  const most = Math.max(1, ...shown.map(countOf));
  const x = pixels([0, most], [left, right]);
  const row = 22;
  const top = 34;
  const parts = shown.map((name, index) => {
    const y = top + index * row;
    const count = countOf(name);
    const won = wins.get(name) ?? 0;
    const isMissed = untouched?.includes(name) ?? false;
    const note =
      count === 0
        ? 'never proposed'
        : isMissed
          ? `${count}, none ran`
          : won > 0
            ? `${count}, ${won} kept`
            : String(count);
    return (
      label(left - 8, y + 15, plainText(name, 24), 'end', 'strong') +
      `<rect class="bar" x="${left}" y="${y + 4}" width="${fix(x(count) - left)}" height="${row - 7}"/>` +
      `<rect class="won" x="${left}" y="${y + 4}" width="${fix(x(Math.min(won, count)) - left)}" height="${row - 7}"/>` +
      label(x(count) + (count === 0 ? 2 : 8), y + 15, note, 'start', isMissed ? 'missed' : '')
    );
  });
  const more = names.length - shown.length;
  if (more > 0) parts.push(label(left, top + shown.length * row + 14, `and ${more} more knobs`, 'start'));
  parts.push(line('axis', left, top, left, top + shown.length * row));
  return chart(
    title,
    top + shown.length * row + (more > 0 ? 24 : 6),
    legend(
      [
        ['proposed', 'bar'],
        ['kept', 'wonbar'],
      ],
      left,
    ) + parts.join(''),
  );
}

/** The share of repeats in each window of ten evaluated iterations. */
export function repeatChart(analysis: Analysis): string {
  const title = 'repeat rate by window';
  const windows = analysis.pairs.windows;
  if (windows === null) return emptyChart(title, 'this source does not say which pairs were tried');
  if (windows.length === 0) return emptyChart(title, 'nothing was measured');
  const plot = { left: 52, right: WIDTH - 16, top: 22, bottom: 200 };
  const y = pixels([0, 1], [plot.bottom, plot.top]);
  const slot = Math.min(160, (plot.right - plot.left) / windows.length);
  const every = Math.ceil(54 / slot);
  const parts: string[] = [];
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(line('grid', plot.left, y(tick), plot.right, y(tick)));
    parts.push(label(plot.left - 8, y(tick) + 4, shareText(tick), 'end'));
  }
  for (const [index, window] of windows.entries()) {
    const at = plot.left + index * slot;
    const middle = at + slot / 2;
    const name = window.first === window.last ? String(window.first) : `${window.first}–${window.last}`;
    const tip = `iterations ${name}: ${shareText(window.repeatRate)} repeats`;
    const height = plot.bottom - y(window.repeatRate);
    parts.push(
      `<rect class="bar" x="${fix(at + slot * 0.15)}" y="${fix(y(window.repeatRate))}" width="${fix(slot * 0.7)}" height="${fix(height)}"><title>${tip}</title></rect>`,
    );
    if (index % every !== 0) continue;
    parts.push(label(middle, plot.bottom + 18, name, 'middle'));
    if (every === 1)
      parts.push(
        label(middle, y(window.repeatRate) - 5, `${Math.round(window.repeatRate * 100)}%`, 'middle', 'strong'),
      );
  }
  parts.push(line('axis', plot.left, plot.bottom, plot.right, plot.bottom));
  parts.push(label((plot.left + plot.right) / 2, plot.bottom + 38, 'evaluated iterations', 'middle'));
  return chart(title, plot.bottom + 46, parts.join(''));
}

function chart(title: string, height: number, body: string): string {
  const name = escapeHtml(title);
  return `<svg class="chart" viewBox="0 0 ${WIDTH} ${Math.ceil(height)}" role="img" aria-label="${name}" xmlns="http://www.w3.org/2000/svg">${body}</svg>`;
}

function emptyChart(title: string, why: string): string {
  return chart(title, 60, label(WIDTH / 2, 34, why, 'middle'));
}

function tipOf({ iteration, metric, proposal, description }: EvaluatedRecord): string {
  // The value of a patch is the beginning of a hash: its summary says more.
  const change = proposal && (description ?? pairText(proposal.knob, proposal.newValue));
  return escapeHtml(
    `iteration ${iteration}${change === null ? '' : `, ${plainText(change, 120)}`}: ${metricText(metric)}`,
  );
}

function stepPath(
  records: Trajectory['records'],
  bests: (number | null)[],
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  let path = '';
  let before: number | null = null;
  for (const [index, record] of records.entries()) {
    const best = bests[index] ?? null;
    if (best === null) continue;
    const isLast = index === records.length - 1;
    if (before === null) path = `M${fix(x(record.iteration))} ${fix(y(best))}`;
    else if (best !== before || isLast)
      path += `H${fix(x(record.iteration))}${best === before ? '' : `V${fix(y(best))}`}`;
    before = best;
  }
  return path;
}

function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${kind}" x1="${fix(x1)}" y1="${fix(y1)}" x2="${fix(x2)}" y2="${fix(y2)}"/>`;
}
function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end', kind = ''): string {
  return `<text x="${fix(x)}" y="${fix(y)}" text-anchor="${anchor}"${kind === '' ? '' : ` class="${kind}"`}>${escapeHtml(text)}</text>`;
}
function shape(kind: string, path: string, tip: string): string {
  return `<path class="${kind}" d="${path}"><title>${tip}</title></path>`;
}
function diamond(x: number, y: number, r: number): string {
  return `M${fix(x)} ${fix(y - r)}L${fix(x + r)} ${fix(y)}L${fix(x)} ${fix(y + r)}L${fix(x - r)} ${fix(y)}Z`;
}
function triangle(x: number, edge: number, direction: 1 | -1): string {
  return `M${fix(x)} ${fix(edge)}l6 ${direction * 10}h-12Z`;
}
function cross(x: number, y: number, r: number): string {
  return `M${fix(x - r)} ${fix(y - r)}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
}
function dash(x: number, y: number, r: number): string {
  return `M${fix(x - r)} ${fix(y)}h${2 * r}`;
}
function square(x: number, y: number, r: number): string {
  return `M${fix(x - r)} ${fix(y - r)}h${2 * r}v${2 * r}h${-2 * r}Z`;
}
function fix(value: number): string {
  return Number(value.toFixed(1)).toString();
}
