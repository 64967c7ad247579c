import type { ExitRecord, JobSpec } from '@nightshift/protocol';

/** One way to cheat: a patched training file, run as a real job by a real runner. */
export interface Cheat {
  /** What it tries, as the table names it. */
  name: string;
  language: 'python' | 'node';
  /** The patched training file. What it says of the model honestly is `{"w": 0.3}`, whose loss is 0.25. */
  train: string;
  /** Declared artifacts; null hands over every new file that cannot be code. */
  artifacts?: string[] | null;
  /** How the job differs otherwise. */
  spec?: Partial<JobSpec>;
  /** Files of the source besides the usual ones. */
  files?: Record<string, string>;
  /** A patch that ran before it and left something behind. */
  earlier?: string;
  /** What an honest job of the same run must come to afterwards, without a sandbox: the harm is undone, or still known. */
  later?: 'caught' | 'harmless';
  /** Takes away what it left in the user's home, which no job may do. */
  undo?: (user: string) => void;
  /** Another job that runs at the same time and must end as it would have. */
  hasNeighbour?: boolean;
  /** Nothing here stops it, with or without a sandbox: who is told of it, and what to do. */
  notStopped?: string;
  /** Without a sandbox a process of the same user can do it: why. Not run there. */
  needsSandbox?: string;
  /** How it must end: without a number, or with that of what was really trained. Harmless in both when left out. */
  ends?: { sandbox: 'caught' | 'harmless'; none: 'caught' | 'harmless' };
  /** What stops it, for the table: with a sandbox, and without. */
  stoppedBy: { sandbox: string; none: string };
  /** More that must hold afterwards; what does not is returned in words. */
  after?: (scene: Scene) => string | null;
}

export interface Scene {
  source: string;
  home: string;
  log: string;
  /** The account of the job's end. */
  exit: ExitRecord;
  /** What the local server that stands for the outside world was asked. */
  visits: number;
}

/** Loss of the model that the patches really train. */
export const HONEST_LOSS = 0.25;

export const HONEST_PYTHON = `import json, os
json.dump({"w": 0.3}, open("model.json", "w"))
`;
export const HONEST_NODE = `import { writeFileSync } from 'node:fs';
writeFileSync('model.json', JSON.stringify({ w: 0.3 }));
`;
