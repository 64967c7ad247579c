import type { Config, Knob, KnobValue, Menu } from '@nightshift/protocol';
import type { Item, Section } from './fit.js';
import { showValue } from './figures.js';
import type { PairRow } from './pair-table.js';
import { cutText, escapeJson, quoteData, quoteLines, quoteName } from './quote.js';
import { WORTH } from './worth.js';

/** Lines of a belief at most, whatever the budget. */
const MAX_BELIEFS = 80;

/** The menu: a JSON object a knob and a constraint, so that a program can read a stored prompt too. */
export function menuSection(menu: Menu, now: Config, rows: readonly PairRow[]): Section {
  const tried = new Map<string, number>();
  for (const row of rows) tried.set(row.knob, (tried.get(row.knob) ?? 0) + 1);
  const items: Item[] = [];
  const line = (text: string, doc: string) => {
    // A menu with a part missing would be a wrong menu: only its docs can be cut.
    const parent: Item = { section: 'menu', text, worth: Infinity, label: 'knobs of the menu' };
    items.push(parent);
    if (doc !== '')
      items.push({
        section: 'menu',
        text: `  doc: ${quoteData(doc, 400)}`,
        worth: WORTH.knobDoc,
        label: 'docs of the menu',
        needs: parent,
      });
  };
  for (const [name, knob] of Object.entries(menu.knobs))
    line(knobLine(name, knob, now[name] as KnobValue, tried.get(name) ?? 0), knob.doc);
  for (const { id, rule, doc } of menu.constraints)
    line(`{"constraint":${JSON.stringify(id)},"rule":${quoteData(rule, 2000)}}`, doc);
  return { name: 'menu', head: ['# The menu'], items };
}

function knobLine(name: string, knob: Knob, now: KnobValue, tried: number): string {
  const legal = knob.range
    ? `"range":${JSON.stringify(knob.range)}${knob.scale === 'log' ? ',"scale":"log"' : ''}`
    : `"choices":[${(knob.choices ?? []).map(showValue).join(',')}]`;
  return `{"knob":${JSON.stringify(name)},"type":"${knob.type}",${legal},"now":${showValue(now)},"default":${showValue(knob.default)},"tried":${tried}}`;
}

/** A person's notes, at most a quarter of the budget: a novel must not crowd out the record. */
export function notesSection(notes: string | null, budgetTokens: number): Section {
  if (notes === null || notes.trim() === '') return { name: 'notes', head: [], items: [] };
  const { text, dropped } = cutText(notes, Math.max(200, Math.floor((budgetTokens * 3) / 4)));
  const lines = quoteLines(text.trim());
  return {
    name: 'notes',
    head: ['# Strategy notes of the person who runs this project'],
    items: lines.map((line, index) => ({
      section: 'notes',
      text: index === lines.length - 1 && dropped > 0 ? `${line} (+${dropped} characters)` : line,
      worth: WORTH.notes,
      label: 'lines of the notes',
    })),
  };
}

/**
 * What the sampler believes, a line each: first its own sentences (`summary`, when it has one), then its other keys.
 * A list gives a line an entry, so that what comes first in it can stay when the rest has to go.
 */
export function beliefSection(belief: unknown): Section {
  if (belief === null || belief === undefined) return { name: 'belief', head: [], items: [] };
  const { summary, ...rest }: Record<string, unknown> =
    typeof belief === 'object' && !Array.isArray(belief) ? { ...belief } : { belief };
  const items: Item[] = [];
  const add = (text: string, worth: number) => {
    if (items.length < MAX_BELIEFS)
      items.push({ section: 'belief', text, worth: worth - items.length / 100, label: 'beliefs of the sampler' });
  };
  for (const sentence of Array.isArray(summary) ? summary : summary === undefined ? [] : [summary])
    add(`- ${showBelief(sentence)}`, WORTH.belief);
  for (const [key, value] of Object.entries(rest)) {
    const name = quoteName(key);
    if (Array.isArray(value)) for (const entry of value) add(`${name}: ${showBelief(entry)}`, WORTH.beliefDetail);
    else add(`${name}: ${showBelief(value)}`, WORTH.beliefDetail);
  }
  return {
    name: 'belief',
    head: ['# What the sampler believes (a statistical model of the record; it can be wrong)'],
    items,
  };
}

function showBelief(value: unknown): string {
  if (typeof value === 'string') return quoteData(value, 400);
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'number' && Number.isFinite(inner) ? Number(inner.toPrecision(4)) : inner,
    );
  } catch {
    // A cycle or a BigInt: the belief is not the plain value it should be, and the prompt goes on without it.
    return '(not printable)';
  }
  if (text === undefined) return '(not printable)';
  const { text: head, dropped } = cutText(escapeJson(text), 600);
  return dropped > 0 ? `${head} (+${dropped} characters)` : head;
}
