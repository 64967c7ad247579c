import type { Finding } from './context.js';

/** What an expression reads. A name's key says whose it is (`/train#elapsed`); an attribute's or an item's is `.name`, whatever it is of. */
export interface Reads {
  /** All names. */
  all: string[];
  /** Those that the value is made of by arithmetic: not what an unknown function is given. */
  direct: string[];
  /** It asks a clock. */
  isClock: boolean;
  /** It names the time budget. */
  isBudget: boolean;
  /** No function is called but those that only calculate. */
  isPlain: boolean;
}
/** A place that gives a name its value. */
export interface Binding {
  key: string;
  name: string;
  /** The statement, with the conditions that it stands under. */
  unit: string;
  line: number;
  value: Reads;
}
/** What a file does with its values, as far as its clock and its metric go. */
export interface Flow {
  bindings: Binding[];
  /** Comparisons that end a loop or the program. */
  stops: Reads[];
  /** What is printed behind the metric's name. */
  printed: Reads[];
}
/** Names that only the base's own statements may bind, and what each is. */
export type Held = ReadonlyMap<string, 'metric' | 'clock'>;

export const NOTHING_HELD: Held = new Map();

/**
 * The names that the metric is printed from, those that a stop by the clock is computed from, and those that hold a time or a duration.
 * What a schedule makes of the time (a share of the budget, a learning rate) is held only where a stop asks for it. Pure.
 */
export function heldOf({ bindings, stops, printed }: Flow): Held {
  const byKey = new Map<string, Binding[]>();
  for (const binding of bindings) byKey.set(binding.key, [...(byKey.get(binding.key) ?? []), binding]);
  const held = new Map<string, 'metric' | 'clock'>();

  const isSetting = (key: string) => (byKey.get(key) ?? []).every(({ value }) => value.isPlain);
  const isTimed = ({ isClock, isBudget }: Reads) => isClock || isBudget;
  const timed = closure(({ value }) => isTimed(value), 'all');
  const exactly = closure(({ value }) => isTimed(value), 'direct', isSetting);
  const shares = closure(({ value }) => value.isBudget, 'direct');
  const isShare = (value: Reads) => value.isBudget || value.direct.some((key) => shares.has(key));

  const queue: string[] = [];
  for (const stop of stops)
    if (isTimed(stop) || stop.direct.some((key) => exactly.has(key))) {
      queue.push(...stop.direct, ...stop.all.filter((key) => timed.has(key)));
    }
  for (const { key, value } of bindings) if (value.isClock && !isShare(value)) queue.push(key);
  spread(queue, 'clock', (key) => timed.has(key));
  spread(
    printed.flatMap(({ direct }) => direct),
    'metric',
    () => true,
  );
  return held;

  function spread(queue: string[], what: 'metric' | 'clock', isFollowed: (key: string) => boolean): void {
    for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
      if (held.has(key)) continue;
      held.set(key, what);
      if (!isFollowed(key)) continue;
      for (const { value } of byKey.get(key) ?? [])
        queue.push(...value.direct, ...(what === 'clock' ? value.all.filter((read) => timed.has(read)) : []));
    }
  }

  /** Names whose value comes from where `begins` says, over any number of bindings. */
  function closure(
    begins: (binding: Binding) => boolean,
    through: 'all' | 'direct',
    besides: (key: string) => boolean = () => true,
  ): Set<string> {
    const found = new Set<string>();
    for (let before = -1; before < found.size;) {
      before = found.size;
      for (const binding of bindings) {
        const reads = binding.value[through];
        if (!begins(binding) && !reads.some((key) => found.has(key))) continue;
        if (reads.every((key) => found.has(key) || key === binding.key || besides(key))) found.add(binding.key);
      }
    }
    return found;
  }
}

/** Every binding of a held name. Those of the base are no news; a new one, or one that is gone, is. */
export function heldFindings({ bindings }: Flow, held: Held): Finding[] {
  return bindings.flatMap(({ key, name, unit, line }) => {
    const what = held.get(key);
    if (what === undefined) return [];
    const reason =
      what === 'metric' ? `it sets ${name}, which the metric is printed from` : `it sets ${name}, which tells the time`;
    return [{ rail: 'sealed' as const, key: `held ${key}|${unit}`, line, reason, allowedBy: null }];
  });
}
