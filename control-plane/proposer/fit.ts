import { tokenUnits } from './tokens.js';

/** A line of a prompt that may be left out. Higher worth stays longer; Infinity must stay. */
export interface Item {
  section: string;
  text: string;
  worth: number;
  /** What is counted when it is left out, such as "rows of the table". */
  label: string;
  /** Left out too when this one is. */
  needs?: Item;
}
export interface Section {
  name: string;
  /** Heading and whatever of the section must be there. */
  head: string[];
  items: Item[];
}

function cutLine(label: string, left: number, total: number): string {
  return `${label}: ${left} of ${total}`;
}

/**
 * Chooses which items stay within `units` (thirds of a token), by worth; equal worth keeps the earlier item. What
 * must be there is counted first. An item that does not fit is passed over, and smaller ones after it may still.
 * Room for naming what was cut is set aside before anything is chosen.
 */
export function fitItems(
  sections: readonly Section[],
  fixedUnits: number,
  units: number,
): { kept: Set<Item>; cut: string[]; fits: boolean } {
  const all = sections.flatMap((section) => section.items);
  const items = all.filter((item) => item.worth < Infinity);
  const must = all.filter((item) => item.worth === Infinity);
  const mustUnits = must.reduce((sum, item) => sum + tokenUnits(item.text) + 1, fixedUnits);
  const totals = new Map<string, number>();
  for (const item of items) totals.set(item.label, (totals.get(item.label) ?? 0) + 1);
  const whole = items.reduce((sum, item) => sum + tokenUnits(item.text) + 1, mustUnits);
  if (whole <= units) return { kept: new Set(all), cut: [], fits: true };
  const naming = [...totals].reduce((sum, [label, total]) => sum + tokenUnits(cutLine(label, total, total)) + 3, 0);
  let left = units - mustUnits - naming;
  const fits = left >= 0;
  const kept = new Set<Item>(must);
  const ranked = items
    .map((item, index) => ({ item, index }))
    .sort((a, b) => b.item.worth - a.item.worth || a.index - b.index);
  for (const { item } of ranked) {
    const cost = tokenUnits(item.text) + 1;
    if (cost > left || (item.needs && !kept.has(item.needs))) continue;
    left -= cost;
    kept.add(item);
  }
  const stayed = new Map<string, number>();
  for (const item of kept) if (item.worth < Infinity) stayed.set(item.label, (stayed.get(item.label) ?? 0) + 1);
  const cut = [...totals]
    .map(([label, total]) => ({ label, total, gone: total - (stayed.get(label) ?? 0) }))
    .filter(({ gone }) => gone > 0)
    .map(({ label, total, gone }) => cutLine(label, gone, total));
  return { kept, cut, fits };
}
