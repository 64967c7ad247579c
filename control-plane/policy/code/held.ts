import { work, type Work } from './work.js';

/** What an expression reads. A name's key says whose it is (`/train#elapsed`); an attribute's or an item's is `.name`, whatever it is of. */
export interface Reads {
  /** All names. */
  all: string[];
  /** Those that the value is made of by arithmetic: not what an unknown function is given. */
  direct: string[];
  /** Those of them that are asked for a field or an item only: `args` of `args.budget`. */
  roots: string[];
  /** It asks a clock. */
  isClock: boolean;
  /** It names the time budget. */
  isBudget: boolean;
  /** No function is called but those that only calculate. */
  isPlain: boolean;
}
/** A place that gives a name its value, or changes what the name holds. */
export interface Binding {
  key: string;
  name: string;
  /** The statement, with the conditions that it stands under. */
  unit: string;
  /** The statement alone. */
  text: string;
  from: number;
  line: number;
  value: Reads;
  /** `augment` for `+=` and its like, `call` for a method that changes its object. */
  how: 'set' | 'augment' | 'call';
  /** Conditions that it stands under. */
  under: readonly Reads[];
  /** Names whose object it hands on as it is: who changes this one changes theirs. */
  carries: string[];
  /** For certain a path of the project's own, or a number. */
  isOwnPlace: boolean;
}
/** A condition that ends a loop or the program; `parts` are what `and`, `or` and `not` join. */
export interface Stop {
  parts: Reads[];
  unit: string;
  from: number;
  line: number;
}
/** A `continue`, and where its loop ends. */
export interface Skip {
  unit: string;
  from: number;
  to: number;
  line: number;
}
/** What a file does with its values, as far as its clock, its metric and its files go. */
export interface Flow {
  bindings: Binding[];
  stops: Stop[];
  skips: Skip[];
  /** What is printed behind the metric's name. */
  printed: Reads[];
  /** What the path of a file that is written is made of, where it is not written out. */
  places: Reads[];
  /** The objects and fields by which a sealed module is asked for the time. */
  tellers: string[];
  work: Work;
}
export interface HeldName {
  what: 'metric' | 'clock' | 'place';
  /** Statements that set a stop flag under the clock's check: who sets it as the clock would only ends sooner. */
  sets: ReadonlySet<string>;
}
/** Names that only the base's own statements may bind. */
export type Held = ReadonlyMap<string, HeldName>;

export const NOTHING_HELD: Held = new Map();

export function emptyFlow(): Flow {
  return {
    bindings: [],
    stops: [],
    skips: [],
    printed: [],
    places: [],
    tellers: [],
    work: work('function', '', '', 1),
  };
}

export function noReads(): Reads {
  return { all: [], direct: [], roots: [], isClock: false, isBudget: false, isPlain: true };
}

export function isTimed({ isClock, isBudget }: Reads): boolean {
  return isClock || isBudget;
}

/**
 * The names that the metric is printed from, those that a stop by the clock is computed from or that say it to the loop, those that hold a
 * time or a duration, and those that say where a file is written. What a schedule makes of the time (a share of the budget, a learning
 * rate) is held only where a stop asks for it. Pure.
 */
export function heldOf({ bindings, stops, printed, places, tellers }: Flow): Held {
  const byKey = new Map<string, Binding[]>();
  for (const binding of bindings) byKey.set(binding.key, [...(byKey.get(binding.key) ?? []), binding]);
  const held = new Map<string, HeldName>();

  const isSetting = (key: string) => (byKey.get(key) ?? []).every(({ value }) => value.isPlain);
  const timed = closure(({ value }) => isTimed(value), 'all');
  const exactly = closure(({ value }) => isTimed(value), 'direct', isSetting);
  const shares = closure(({ value }) => value.isBudget, 'direct');
  const isShare = (value: Reads) => value.isBudget || value.direct.some((key) => shares.has(key));
  const asksTime = (reads: Reads) => isTimed(reads) || reads.direct.some((key) => exactly.has(key));

  const flags = new Map<string, Set<string>>();
  const queue: string[] = [];
  for (const part of stops.flatMap(({ parts }) => parts)) {
    if (asksTime(part)) queue.push(...part.direct, ...part.all.filter((key) => timed.has(key)));
    for (const key of part.direct) {
      const sets = (byKey.get(key) ?? []).filter(({ under }) => under.some(asksTime));
      if (sets.length > 0) flags.set(key, new Set(sets.map(({ text }) => text)));
    }
  }
  for (const { key, value, how } of bindings) if (how !== 'call' && value.isClock && !isShare(value)) queue.push(key);
  spread([...queue, ...flags.keys(), ...tellers], 'clock', (key) => timed.has(key));
  spread(
    printed.flatMap(({ direct }) => direct),
    'metric',
    () => true,
  );
  spread(
    places.flatMap(({ direct }) => direct),
    'place',
    () => true,
  );
  return held;

  function spread(queue: string[], what: HeldName['what'], isFollowed: (key: string) => boolean): void {
    for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
      if (held.has(key)) continue;
      held.set(key, { what, sets: flags.get(key) ?? new Set() });
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
        const isKnown = (key: string) =>
          found.has(key) || key === binding.key || binding.value.roots.includes(key) || besides(key);
        if (reads.every(isKnown)) found.add(binding.key);
      }
    }
    return found;
  }
}
