import { components } from './components.js';
import type { Work } from './work.js';

/** What is known of a piece of work with all that it calls. */
export interface TrainingFigure {
  /** How often it asks for gradients at most; 0 where it does not train. */
  rounds: number;
  /** It comes back to itself. */
  isAgain: boolean;
  /** In it, or in what it calls, a loop trains that the clock ends. */
  isByClock: boolean;
}
export interface TrainingFigures {
  /** All pieces, each before those in it. */
  pieces: readonly Work[];
  of: (at: Work) => TrainingFigure;
  /** Of the functions of a name, taken together. */
  named: (name: string) => TrainingFigure;
}

const NONE: TrainingFigure = { rounds: 0, isAgain: false, isByClock: false };

/**
 * The figures of a file's functions and loops, by one pass over who calls whom. A name stands between its calls and its functions, so that
 * many of both are no product. Pure.
 */
export function trainingFigures(file: Work, isClocked: (loop: Work) => boolean): TrainingFigures {
  const pieces: Work[] = [];
  const stack = [file];
  for (let at = stack.pop(); at; at = stack.pop()) {
    pieces.push(at);
    for (const inner of at.inner.toReversed()) stack.push(inner);
  }
  const numbers = new Map(pieces.map((at, number) => [at, number]));
  const names = new Map<string, number>();
  const leads: number[][] = pieces.map(() => []);
  for (const at of pieces) {
    // The file has no name, and nobody calls it.
    if (at.kind !== 'function' || at === file) continue;
    if (!names.has(at.name)) names.set(at.name, leads.push([]) - 1);
    leads[names.get(at.name) as number]?.push(numbers.get(at) as number);
  }
  for (const [number, at] of pieces.entries()) {
    const called = new Set(at.calls.map(({ name }) => names.get(name)).filter((to) => to !== undefined));
    // What is only defined here is counted where it is called.
    const loops = at.inner.filter(({ kind }) => kind === 'loop').map((loop) => numbers.get(loop) as number);
    leads[number] = [...called, ...loops];
  }

  const figures: TrainingFigure[] = leads.map(() => NONE);
  for (const part of components(leads.length, (node) => leads[node] as number[])) {
    // What comes back to itself goes through a name, so that it is never one alone.
    const isAgain = part.length > 1;
    let own = 0;
    let isByClock = false;
    for (const node of part) {
      if (pieces[node]?.trains) own = Math.max(own, 1);
      for (const to of leads[node] as number[]) {
        own = Math.max(own, (figures[to] as TrainingFigure).rounds);
        isByClock ||= (figures[to] as TrainingFigure).isByClock;
      }
    }
    if (isAgain && own > 0) own = Infinity;
    isByClock ||= own > 0 && part.some((node) => isClockedLoop(pieces[node]));
    for (const node of part) figures[node] = { rounds: times(own, pieces[node]), isAgain, isByClock };
  }
  return {
    pieces,
    of: (at) => figures[numbers.get(at) ?? -1] ?? NONE,
    named: (name) => figures[names.get(name) ?? -1] ?? NONE,
  };

  function isClockedLoop(at: Work | undefined): boolean {
    return at?.kind === 'loop' && isClocked(at);
  }

  /** Infinity times 0 would be no number. */
  function times(own: number, at: Work | undefined): number {
    if (at?.kind !== 'loop' || own === 0 || isClocked(at)) return own;
    return at.rounds === 0 ? 0 : own * at.rounds;
  }
}
