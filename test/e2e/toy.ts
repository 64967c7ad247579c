import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SpecInput } from '@nightshift/protocol';

/** Beside this file in the sources; one folder further away when this file was built. */
function projectFolder(name: string): string {
  const beside = fileURLToPath(new URL(`../fixtures/projects/${name}`, import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL(`../../fixtures/projects/${name}`, import.meta.url));
}

const KNOBS = {
  x: { type: 'float', range: [-2, 2], default: 1.5 },
  rate: { type: 'float', range: [0.0001, 0.1], scale: 'log', default: 0.001 },
  depth: { type: 'int', range: [1, 6], default: 2 },
  kind: { type: 'str', choices: ['plain', 'round', 'spiky'], default: 'plain' },
};
/** Knobs whose values are the ways in which a training can go wrong. */
export const UGLY_KNOBS = {
  ugly: {
    type: 'str',
    choices: ['none', 'no_metric', 'nan', 'exit1', 'kills_itself', 'too_slow', 'ignores_signals', 'daemon', 'forks'],
    default: 'none',
  },
  program: { type: 'str', choices: ['node', 'there-is-no-such-program'], default: 'node' },
};

export interface ToyOptions {
  name: string;
  iterations: number;
  env?: Record<string, string>;
  isUgly?: boolean;
  budget?: string;
  grace?: string;
  parallel?: number;
  baselineReplicates?: number;
  maxReplicates?: number;
  proposer?: SpecInput['proposer'];
  labels?: string[];
  seed?: number;
}

/** A spec over the toy project: trains in milliseconds, decides by a seeded noise. */
export function toySpec(options: ToyOptions): Record<string, unknown> {
  return {
    name: options.name,
    source: { path: projectFolder('toy') },
    metric: { name: 'score', goal: 'minimize', bounds: [0, 1000] },
    job: {
      train: options.isUgly ? '{{program}} train.mjs' : 'node train.mjs',
      budget: options.budget ?? '60s',
      grace: options.grace ?? '200ms',
      env: options.env ?? {},
    },
    menu: { knobs: options.isUgly ? { ...KNOBS, ...UGLY_KNOBS } : KNOBS },
    proposer: options.proposer ?? { kind: 'sampler' },
    decision: {
      minImprovement: 0.001,
      baselineReplicates: options.baselineReplicates ?? 2,
      maxReplicates: options.maxReplicates ?? 1,
    },
    stop: { iterations: options.iterations },
    boxes: { parallel: options.parallel ?? 1, ...(options.labels ? { labels: options.labels } : {}) },
    seed: options.seed ?? 1,
  };
}

/** What a toy job wrote down about itself: one line for each time that it really ran to its end. */
export interface LedgerLine {
  attemptId: string;
  bytes: number;
  sha256: string;
  points: number;
  score: number;
}

export function readLedger(path: string): LedgerLine[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerLine);
}
