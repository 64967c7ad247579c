import { defaultConfig, type Config, type KnobValue, type Menu } from '@nightshift/protocol';
import type { Item, Section } from './fit.js';
import { showBroken, showCause, showDifference, showLimit, showNumber, showPercent, showValue } from './figures.js';
import type { PairRow } from './pair-table.js';
import { quoteName } from './quote.js';
import { tokenUnits } from './tokens.js';
import { WORTH } from './worth.js';

export interface PairSection extends Section {
  /** Which row each item tells. */
  rowOf: Map<Item, PairRow>;
}

/** The table of tried pairs, by knob in the menu's order and then by value. */
export function pairSection(menu: Menu, now: Config, rows: readonly PairRow[]): PairSection {
  if (rows.length === 0) return { name: 'pairs', head: ['# Tried pairs', 'none yet'], items: [], rowOf: new Map() };
  const place = new Map(Object.keys(menu.knobs).map((name, index) => [name, index]));
  const defaults = defaultConfig(menu);
  const sorted = [...rows].sort(
    (a, b) => (place.get(a.knob) ?? 1e9) - (place.get(b.knob) ?? 1e9) || compareValues(a.value, b.value),
  );
  const rowOf = new Map<Item, PairRow>();
  for (const row of sorted) {
    const text = [
      quoteName(row.knob),
      showValue(row.value),
      `n=${row.n}`,
      showNumber(row.mean),
      showPercent(row.effect),
      outcomeOf(row),
      `it ${showIterations(row.iterations)}`,
      baseOf(row, now, defaults),
    ].join(' | ');
    rowOf.set({ section: 'pairs', text, worth: row.worth, label: 'rows of tried pairs' }, row);
  }
  return {
    name: 'pairs',
    head: [
      '# Tried pairs',
      'knob | value | n | mean | effect | outcome | iterations | on',
      '(on: `repeat` = measured on the configuration "now", `defaults` = on the baseline, else what differs from "now")',
    ],
    items: [...rowOf.keys()],
    rowOf,
  };
}

function outcomeOf(row: PairRow): string {
  const broken = row.broken.length > 0 ? [`breaks guard ${row.broken.map(showBroken).join('; ')}`] : [];
  return [...row.outcomes, ...row.causes.map(showCause), ...(row.isBest ? ['best'] : []), ...broken].join(' ');
}

/**
 * For rows that did not fit: the values alone of those that would be repeats, a line a knob, within `units`. A model
 * that cannot see that a value was measured would propose it again. Values that do not fit are counted.
 */
export function repeatLines(rows: readonly PairRow[], units: number): string[] {
  const knobs = new Map<string, PairRow[]>();
  for (const row of rows) if (row.isRepeat) knobs.set(row.knob, [...(knobs.get(row.knob) ?? []), row]);
  const lines: string[] = [];
  let left = units;
  let waiting = knobs.size;
  for (const [knob, list] of knobs) {
    // Each knob gets an even share of what is left, so that one with a thousand values leaves room for the others.
    let share = Math.floor(left / waiting--);
    const around = `${quoteName(knob)} | also repeat | [] | +${list.length} more`;
    share -= tokenUnits(around) + 1;
    const values: string[] = [];
    for (const row of list) {
      const value = showValue(row.value);
      if (tokenUnits(value) + 1 > share) break;
      share -= tokenUnits(value) + 1;
      values.push(value);
    }
    if (values.length === 0) continue;
    const more = list.length > values.length ? ` | +${list.length - values.length} more` : '';
    const line = `${quoteName(knob)} | also repeat | [${values.join(',')}]${more}`;
    lines.push(line);
    left -= tokenUnits(line) + 1;
  }
  return lines;
}

function baseOf(row: PairRow, now: Config, defaults: Config): string {
  if (row.isRepeat) return 'repeat';
  if (row.config === null) return '?';
  if (showDifference(defaults, row.config, row.knob) === '') return 'defaults';
  return showDifference(now, row.config, row.knob);
}

function showIterations(iterations: readonly number[]): string {
  const shown = iterations.slice(0, 6).join(',');
  return iterations.length > 6 ? `${shown},+${iterations.length - 6}` : shown;
}

function compareValues(a: KnobValue, b: KnobValue): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}

/** What broke a guard, by limit, the most frequent first, with what was measured of it. */
export function brokenGuardSection(rows: readonly PairRow[]): Section {
  const limits = new Map<string, string[]>();
  for (const row of rows)
    for (const reading of row.broken) {
      const limit = showLimit(reading);
      const value = reading.value === null ? 'not reported' : showNumber(reading.value);
      const pair = `${quoteName(row.knob)}=${showValue(row.value)} (${value})`;
      limits.set(limit, [...(limits.get(limit) ?? []), pair]);
    }
  if (limits.size === 0) return { name: 'guards', head: [], items: [] };
  const ordered = [...limits].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
  return {
    name: 'guards',
    head: ['# Guards broken (measured, and never kept however good the metric)'],
    items: ordered.map(([limit, pairs]) => ({
      section: 'guards',
      text: `${limit} (${pairs.length}): ${pairs.slice(0, 8).join(', ')}${pairs.length > 8 ? ` +${pairs.length - 8} more` : ''}`,
      worth: WORTH.failure,
      label: 'broken guards',
    })),
  };
}

/** Failures by cause, the most frequent first: what the box and the objective do not allow. */
export function failureSection(rows: readonly PairRow[]): Section {
  const causes = new Map<string, PairRow[]>();
  for (const row of rows) {
    for (const cause of row.causes) {
      const list = causes.get(cause) ?? [];
      list.push(row);
      causes.set(cause, list);
    }
  }
  if (causes.size === 0) return { name: 'failures', head: [], items: [] };
  const ordered = [...causes].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
  return {
    name: 'failures',
    head: ['# Failures by cause'],
    items: ordered.map(([cause, list]) => {
      const pairs = list.slice(0, 8).map((row) => `${quoteName(row.knob)}=${showValue(row.value)}`);
      const more = list.length > 8 ? ` +${list.length - 8} more` : '';
      return {
        section: 'failures',
        text: `${showCause(cause)} (${list.length}): ${pairs.join(', ')}${more}`,
        worth: WORTH.failure,
        label: 'causes of failure',
      };
    }),
  };
}
