// What is sorted: eight arrays of the kinds that programs meet, of 48-bit keys. A seed gives the same arrays everywhere.

export const ITEMS = 4000;

function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Named arrays of keys, 0 to 2^48 - 1. */
export function workload(seed) {
  const random = randomFrom(seed);
  const key = () => Math.floor(random() * 2 ** 24) * 2 ** 24 + Math.floor(random() * 2 ** 24);
  const make = (value) => Array.from({ length: ITEMS }, (_, index) => value(index));
  const sorted = () => make(key).sort((a, b) => a - b);
  const nearly = sorted();
  for (let i = 0; i < ITEMS / 100; i++) nearly[Math.floor(random() * ITEMS)] = key();
  const appended = sorted();
  for (let i = ITEMS - ITEMS / 20; i < ITEMS; i++) appended[i] = key();
  const some = make(key).slice(0, 12);
  return {
    random: make(key),
    small: make(() => Math.floor(random() * 60_000)),
    few: make(() => some[Math.floor(random() * some.length)]),
    sorted: sorted(),
    reversed: sorted().reverse(),
    nearly,
    appended,
    teeth: make((index) => (index % 500) * 2 ** 38 + Math.floor(random() * 2 ** 20)),
  };
}
