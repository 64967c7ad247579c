import type { Reads } from './held.js';

/** A function, a loop or the file, with the training that is done in it. */
export interface Work {
  kind: 'function' | 'loop';
  /** A function's name; of a loop its kind. */
  name: string;
  /** The function that it stands in. */
  owner: string;
  unit: string;
  line: number;
  /** Of a loop: how often it goes round at most, as far as that is written out. */
  rounds: number;
  /** What ends a loop besides. */
  stops: Reads[];
  /** It asks for gradients, itself. */
  trains: boolean;
  /** Functions that it calls or names, as often as it does. */
  calls: { name: string; line: number }[];
  inner: Work[];
}

export function work(kind: Work['kind'], name: string, unit: string, line: number, owner = name): Work {
  return {
    kind,
    name,
    owner,
    unit,
    line,
    rounds: kind === 'loop' ? Infinity : 1,
    stops: [],
    trains: false,
    calls: [],
    inner: [],
  };
}
