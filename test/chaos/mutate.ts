import type { Random } from './faults.js';

const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

/** Values that break what takes them for granted: edges of numbers, of text, of dates, of shapes. */
const NASTY: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  -0,
  2 ** 31,
  2 ** 53,
  1e308,
  '',
  '0',
  'NaN',
  '-Infinity',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800',
  '\u202e\u0000\uffff',
  '😀'.repeat(50),
  'x'.repeat(5_000),
  '__proto__',
  'constructor',
  "'; drop table runs; --",
  '{{x}}',
  '../../../etc/passwd',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00.000Z',
  '9999-12-31T23:59:60Z',
  '9999-12-31T23:59:59.999999999Z',
  '2024-02-30T00:00:00Z',
  'AAAA',
  'A===',
  [],
  {},
  [[[[[[]]]]]],
  [1, 'two', null],
  { toString: 1 },
  { __proto__: null, length: 1e9 },
];

/** Any of them as text. */
export function nastyText(random: Random): string {
  const value = pick(random, NASTY);
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
}

/** One to four changes at random places of a JSON value, which is left as it was. */
export function mutate(random: Random, value: unknown): unknown {
  const copy = { root: structuredClone(value) };
  const times = 1 + Math.floor(random() * 4);
  for (let i = 0; i < times; i++) {
    const places: { holder: Record<string, unknown>; key: string }[] = [];
    const walk = (holder: Record<string, unknown>, depth: number) => {
      for (const key of Object.keys(holder)) {
        places.push({ holder, key });
        const child = holder[key];
        if (typeof child === 'object' && child !== null && depth < 8) walk(child as Record<string, unknown>, depth + 1);
      }
    };
    walk(copy, 0);
    const { holder, key } = pick(random, places);
    const roll = random();
    if (roll < 0.6) holder[key] = structuredClone(pick(random, NASTY));
    else if (roll < 0.75 && holder !== copy) delete holder[key];
    else if (roll < 0.85 && !Array.isArray(holder))
      holder[nastyText(random).slice(0, 40)] = structuredClone(pick(random, NASTY));
    else if (typeof holder[key] === 'number') holder[key] = (holder[key] as number) * pick(random, [-1, 1e3, 1e9, 0.1]);
    else {
      // Many of the same, but no more than a frame or a body may hold anyway.
      const size = JSON.stringify(holder[key] ?? null).length;
      const many = Math.floor((random() * 300_000) / Math.max(1_000, size));
      holder[key] = Array.from({ length: many }, () => structuredClone(holder[key]));
    }
  }
  return copy.root;
}

/** Text of a JSON value, then perhaps spoiled as text: cut, flipped, doubled, or not JSON at all. */
export function spoil(random: Random, value: unknown): string {
  const whole = JSON.stringify(value) ?? 'null';
  const roll = random();
  const at = Math.floor(random() * whole.length);
  if (roll < 0.7) return whole;
  if (roll < 0.76) return whole.slice(0, at);
  if (roll < 0.82) return whole.slice(0, at) + String.fromCharCode(Math.floor(random() * 65_536)) + whole.slice(at + 1);
  if (roll < 0.86) return whole + whole;
  if (roll < 0.9)
    return whole.replace(/\d+/, () => pick(random, ['1e400', '-1e400', '0x10', '01', '.5', '99999999999999999999']));
  if (roll < 0.93) return '['.repeat(Math.floor(random() * 20_000));
  if (roll < 0.96) return `{"a":${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}}`;
  return Array.from({ length: Math.floor(random() * 200) }, () => String.fromCharCode(Math.floor(random() * 256))).join(
    '',
  );
}

/** One leaf changed to another of its kind, the type and the names left alone: what a schema may well let through. */
export function nudge(random: Random, value: object): unknown {
  const copy = structuredClone(value) as Record<string, unknown>;
  const leaves: { holder: Record<string, unknown>; key: string }[] = [];
  const walk = (holder: Record<string, unknown>) => {
    for (const [key, child] of Object.entries(holder)) {
      if (typeof child === 'object' && child !== null) walk(child as Record<string, unknown>);
      else if (key !== 'type' && key !== 'attemptId') leaves.push({ holder, key });
    }
  };
  walk(copy);
  if (leaves.length === 0) return copy;
  const { holder, key } = pick(random, leaves);
  const kind = typeof holder[key];
  const same = NASTY.filter((nasty) => typeof nasty === kind);
  if (kind === 'number')
    holder[key] = pick(random, [0, 1, 199, 2 ** 31, 2 ** 33, Number.MAX_SAFE_INTEGER, 1e308, 1e-320, 0.5]);
  else if (same.length > 0) holder[key] = pick(random, same);
  return copy;
}
