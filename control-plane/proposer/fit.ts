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
 * When something has to go, room for naming it is set aside before anything is chosen, and `reserve` units too if
 * they are there: `reserved` says how many the caller may fill.
 */
export function fitItems(
  sections: readonly Section[],
  fixedUnits: number,
  units: number,
  reserve: number,
): { kept: Set<Item>; cut: string[]; fits: boolean; reserved: number } {
  const all = sections.flatMap((section) => section.items);
  const sized = all.map((item, index) => ({ item, index, cost: tokenUnits(item.text) + 1 }));
  const must = sized.filter(({ item }) => item.worth === Infinity);
  const may = sized.filter(({ item }) => item.worth < Infinity);
  const mustUnits = must.reduce((sum, { cost }) => sum + cost, fixedUnits);
  const whole = may.reduce((sum, { cost }) => sum + cost, mustUnits);
  if (whole <= units) return { kept: new Set(all), cut: [], fits: true, reserved: 0 };

  const totals = new Map<string, number>();
  for (const { item } of may) totals.set(item.label, (totals.get(item.label) ?? 0) + 1);
  const naming = [...totals].reduce((sum, [label, total]) => sum + tokenUnits(cutLine(label, total, total)) + 3, 0);
  const room = units - mustUnits - naming;
  const reserved = Math.max(0, Math.min(reserve, room));
  let left = room - reserved;
  const kept = new Set<Item>(must.map(({ item }) => item));
  const stayed = new Map<string, number>();
  may.sort((a, b) => b.item.worth - a.item.worth || a.index - b.index);
  for (const { item, cost } of may) {
    if (cost > left || (item.needs && !kept.has(item.needs))) continue;
    left -= cost;
    kept.add(item);
    stayed.set(item.label, (stayed.get(item.label) ?? 0) + 1);
  }
  const cut = [...totals]
    .map(([label, total]) => ({ label, total, gone: total - (stayed.get(label) ?? 0) }))
    .filter(({ gone }) => gone > 0)
    .map(({ label, total, gone }) => cutLine(label, gone, total));
  return { kept, cut, fits: room >= 0, reserved };
}
