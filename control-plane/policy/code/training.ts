import type { Finding } from './context.js';
import type { Held } from './held.js';
import { trainingFigures } from './training-figures.js';
import type { Work } from './work.js';

/** Training rounds between two looks at the clock: what accumulates gradients in parts stays below it, what trains on does not. */
const MAX_ROUNDS = 64;
const CLOCKED = 'a loop that trains by the clock';

/**
 * Training that the clock does not see: a loop of many rounds in a step, before or after the loop that the clock ends, or that loop begun
 * again. News only where the base trains by a clock; what trains less is free. Pure.
 */
export function trainingFindings(file: Work, held: Held): Finding[] {
  const clocked = new Map<Work, boolean>();
  const figures = trainingFigures(file, isClocked);
  const found: Finding[] = [];
  // Whether a piece stands in a loop, with nothing but loops between.
  const inLoop = new Set<Work>();
  for (const at of figures.pieces) {
    judge(at, inLoop.has(at));
    for (const inner of at.inner)
      if (inner.kind === 'loop' || (inLoop.has(at) && at.kind === 'loop')) inLoop.add(inner);
  }
  return found;

  function judge(at: Work, isInLoop: boolean): void {
    const { rounds, isAgain } = figures.of(at);
    if (at.kind === 'loop' && isClocked(at) && rounds > 0) add(CLOCKED, at, 'it trains by the clock in one loop more');
    if (at.kind === 'function' && isAgain && rounds > 0)
      add(`again within ${at.name}`, at, `${at.name} trains and calls itself`);
    if (at.kind === 'loop' && !isClocked(at) && rounds > MAX_ROUNDS)
      add(
        `rounds|${at.unit}`,
        at,
        `it trains in a loop that the clock does not end and whose rounds are not written out, or above ${MAX_ROUNDS}`,
      );
    for (const { name, line } of at.calls) {
      if (at.name === name || !figures.named(name).isByClock) continue;
      add(
        `again ${name}${isInLoop ? ' in a loop' : ''}`,
        { line },
        `it trains a second time with ${name}, whose time was used up`,
      );
    }
  }

  function isClocked(loop: Work): boolean {
    const before = clocked.get(loop);
    if (before !== undefined) return before;
    const made = loop.stops.some((part) => part.isBudget || part.direct.some((key) => held.get(key)?.what === 'clock'));
    clocked.set(loop, made);
    return made;
  }

  function add(key: string, { line }: { line: number }, reason: string): void {
    found.push({ rail: 'sealed', key, line, reason, allowedBy: null, free: 'go', where: CLOCKED });
  }
}
