import { readFileSync } from 'node:fs';
import { defaultConfig, parseMenu, type Config } from '@nightshift/protocol';

/** A case as it is written to cases.json. */
export interface SuiteCase {
  id: string;
  raw: string;
  expect: 'pass' | 'block';
  expected_rail?: string;
  config?: Config;
}

export const menuFile = new URL('../menu.json', import.meta.url);
export const menu = parseMenu(JSON.parse(readFileSync(menuFile, 'utf8')));
export const defaults = defaultConfig(menu);

/** An answer whose value is written exactly as given: `answer('depth', '1e1')`. */
export function answer(knob: string, value: string, reason = 'worth a try'): string {
  return `{"knob": ${JSON.stringify(knob)}, "new_value": ${value}, "reason": ${JSON.stringify(reason)}}`;
}

export function pass(id: string, raw: string): SuiteCase {
  return { id, raw, expect: 'pass' };
}

/** A table of answers that one rail blocks; the key says what is wrong with each. */
export function blocked(rail: string, table: Record<string, string>): SuiteCase[] {
  return Object.entries(table).map(([name, raw]) => ({
    id: `${rail}-${name}`,
    raw,
    expect: 'block',
    expected_rail: rail,
  }));
}
