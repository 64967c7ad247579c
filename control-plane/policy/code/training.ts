import type { Finding } from './context.js';
import type { Held } from './held.js';
import type { Work } from './work.js';

/** Training rounds between two looks at the clock: what accumulates gradients in parts stays below it, what trains on does not. */
export const MAX_ROUNDS = 64;
const CLOCKED = 'a loop that trains by the clock';

/**
 * Training that the clock does not see: a loop of many rounds in a step, before or after the loop that the clock ends, or that loop begun
 * again. News only where the base trains by a clock; what trains less is free. Pure.
 */
export function trainingFindings(file: Work, held: Held): Finding[] {
  const functions = new Map<string, Work[]>();
  const collect = (at: Work): void => {
    if (at.kind === 'function') functions.set(at.name, [...(functions.get(at.name) ?? []), at]);
    at.inner.forEach(collect);
  };
  file.inner.forEach(collect);
  const isClocked = (loop: Work) =>
    loop.stops.some((part) => part.isBudget || part.direct.some((key) => held.get(key)?.what === 'clock'));
  const found: Finding[] = [];
  const partsOf = (at: Work) => [
    ...at.calls.flatMap(({ name }) => functions.get(name) ?? []),
    // What is only defined here is counted where it is called.
    ...at.inner.filter(({ kind }) => kind === 'loop'),
  ];
  const reached = (from: Work): Set<Work> => {
    const seen = new Set<Work>();
    const queue = partsOf(from);
    for (let at = queue.pop(); at; at = queue.pop()) if (!seen.has(at) && seen.add(at)) queue.push(...partsOf(at));
    return seen;
  };
  const rounds = memoized((at, again) => {
    const own = Math.max(at.trains ? 1 : 0, ...partsOf(at).map(again));
    if (own === 0) return 0;
    if (at.kind === 'function') return reached(at).has(at) ? Infinity : own;
    return isClocked(at) ? own : own * at.rounds;
  });
  const trainsByClock = (at: Work) => [at, ...reached(at)].some((one) => isClockedTraining(one));
  judge(file, false);
  return found;

  function judge(at: Work, isInLoop: boolean): void {
    if (isClockedTraining(at)) add(CLOCKED, at, 'it trains by the clock in one loop more');
    if (at.kind === 'function' && rounds(at) === Infinity && reached(at).has(at))
      add(`again within ${at.name}`, at, `${at.name} trains and calls itself`);
    if (at.kind === 'loop' && !isClocked(at) && rounds(at) > MAX_ROUNDS)
      add(
        `rounds|${at.unit}`,
        at,
        `it trains in a loop that the clock does not end and whose rounds are not written out, or above ${MAX_ROUNDS}`,
      );
    for (const { name, line } of at.calls) {
      const called = functions.get(name) ?? [];
      if (!called.some(trainsByClock) || at.name === name) continue;
      add(
        `again ${name}${isInLoop ? ' in a loop' : ''}`,
        { line },
        `it trains a second time with ${name}, whose time was used up`,
      );
    }
    for (const inner of at.inner) judge(inner, inner.kind === 'loop' || (isInLoop && at.kind === 'loop'));
  }

  function isClockedTraining(at: Work): boolean {
    return at.kind === 'loop' && isClocked(at) && rounds(at) > 0;
  }

  function add(key: string, { line }: { line: number }, reason: string): void {
    found.push({ rail: 'sealed', key, line, reason, allowedBy: null, free: 'go', where: CLOCKED });
  }
}

/** A figure of each piece of work, by those of its parts; within itself it counts nothing. */
function memoized(figure: (at: Work, again: (at: Work) => number) => number): (at: Work) => number {
  const known = new Map<Work, number>();
  const of = (at: Work): number => {
    const before = known.get(at);
    if (before !== undefined) return before;
    known.set(at, 0);
    const made = figure(at, of);
    known.set(at, made);
    return made;
  };
  return of;
}
