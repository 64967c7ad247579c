import type { Config, KnobValue } from './menu.js';

/** The canonical text of a configuration: equal exactly when two configurations are the same. Keys sorted; -0 is 0. */
export function configKey(config: Config): string {
  return JSON.stringify(
    Object.keys(config)
      .sort()
      .map((name) => [name, canonical(config[name] as KnobValue)]),
  );
}

/** The canonical text of one knob's value. */
export function pairKey(knob: string, value: KnobValue): string {
  return JSON.stringify([knob, canonical(value)]);
}

function canonical(value: KnobValue): KnobValue {
  return value === 0 ? 0 : value;
}

/** The knobs in which two configurations differ, sorted by name. */
export function changedKnobs(from: Config, to: Config): string[] {
  return [...new Set([...Object.keys(from), ...Object.keys(to)])].filter((name) => from[name] !== to[name]).sort();
}

/** What one measures: a configuration, and in code mode the state of the editable files (null: as the source has them). */
export function measureKey(config: Config, codeKey: string | null): string {
  return codeKey === null ? configKey(config) : `${configKey(config)}@${codeKey}`;
}

/** The code state of a measure key; null for the source's own. */
export function codeKeyOf(key: string): string | null {
  return /@([0-9a-f]{64})$/.exec(key)?.[1] ?? null;
}
