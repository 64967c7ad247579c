import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBwrap } from '@nightshift/gpu-agent/sandbox/find-bwrap';
import type { House } from './house.js';
import { median, quantile } from './statistics.js';

/** Training by the clock: what is measured is everything around it. */
const TRAIN_MS = 2000;
/** Files of the project besides its own three, as a small repository has them. */
const OTHER_FILES = 60;

const TRAIN = `import { writeFileSync } from 'node:fs';
const loss = 1000;
setTimeout(() => writeFileSync('model.json', JSON.stringify({ loss })), ${TRAIN_MS});
`;
const EVALUATE = `import { readFileSync } from 'node:fs';
import { scale } from './prepare.mjs';
console.log('loss: ' + JSON.parse(readFileSync('model.json', 'utf8')).loss * scale);
`;

/** Seconds of each pair, by hand and through Nightshift, and whether the latter ran in a sandbox. */
export interface CodeModeCost {
  n: number;
  byHandMedianMs: number;
  jobMedianMs: number;
  /** Medians over the pairs, not of the medians. */
  ratio: number;
  differenceMs: number;
  differenceP90Ms: number;
  isSandboxed: boolean;
}

/**
 * What code mode costs a job: from the moment it is queued until its end is in the database (its copy of the source, the patch, the
 * sandbox, the seal, the evaluator's own copy and start, the upload), against the same two commands in a plain checkout. The pairs are
 * interleaved, and each half goes first in every other one.
 */
export async function codeModeCost(house: House, pairs: number, hasSandbox: boolean): Promise<CodeModeCost> {
  const dir = writeProject(join(house.home, hasSandbox ? 'edited-in-sandbox' : 'edited'));
  const node = process.execPath;
  const job = { train: `${node} train.mjs`, evaluate: `${node} evaluate.mjs`, budget: '60s', grace: '1s' };
  const run = await house.api<{ id: string }>('POST', '/runs', {
    spec: {
      name: 'bench-code',
      source: { path: dir },
      metric: { name: 'loss', goal: 'minimize' },
      job,
      edit: { files: ['train.mjs'], sealed: ['evaluate.mjs', 'prepare.mjs'], artifacts: ['model.json'] },
      proposer: { kind: 'external' },
      decision: { baselineReplicates: 2, maxReplicates: 1, minImprovement: 0.0001 },
      stop: { iterations: pairs + 1 },
    },
  });
  await until(async () => (await house.api<{ state: string }>('GET', `/runs/${run.id}`)).state === 'running');
  const byHand: number[] = [];
  const jobs: number[] = [];
  // The first pair warms both up and is thrown away.
  for (let pair = 0; pair <= pairs; pair++) {
    const halves = [
      async () => void byHand.push(await timed(`${job.train} && ${job.evaluate}`, dir)),
      async () => void jobs.push(await throughNightshift(house, run.id, pair)),
    ];
    for (const half of pair % 2 === 0 ? halves : halves.toReversed()) await half();
  }
  const [hand, nightshift] = [byHand.slice(1), jobs.slice(1)];
  const differences = nightshift.map((ms, i) => ms - (hand[i] as number));
  return {
    n: differences.length,
    byHandMedianMs: median(hand),
    jobMedianMs: median(nightshift),
    ratio: median(nightshift.map((ms, i) => ms / (hand[i] as number))),
    differenceMs: median(differences),
    differenceP90Ms: quantile(differences, 0.9),
    isSandboxed: hasSandbox && 'bwrap' in findBwrap(process.env),
  };
}

function writeProject(dir: string): string {
  mkdirSync(join(dir, 'lib'), { recursive: true });
  const files: Record<string, string> = {
    'train.mjs': TRAIN,
    'evaluate.mjs': EVALUATE,
    'prepare.mjs': 'export const scale = 1;\n',
    '.gitignore': 'model.json\n',
  };
  for (let i = 0; i < OTHER_FILES; i++) files[`lib/part-${i}.mjs`] = `export const x = ${i};\n`.repeat(40);
  for (const [path, content] of Object.entries(files)) writeFileSync(join(dir, path), content);
  const git = (...args: string[]) => execFileSync('git', args, { cwd: dir, stdio: 'ignore' });
  git('init', '--quiet');
  git('add', '-A');
  git('-c', 'user.name=bench', '-c', 'user.email=bench@example.org', 'commit', '--quiet', '-m', 'Source');
  return dir;
}

async function throughNightshift(house: House, runId: string, pair: number): Promise<number> {
  const patch = [
    'REASON: the next value',
    '',
    'train.mjs',
    '<<<<<<< SEARCH',
    `const loss = ${1000 - pair};`,
    '=======',
    `const loss = ${999 - pair};`,
    '>>>>>>> REPLACE',
    '',
  ].join('\n');
  const { iteration } = await house.api<{ iteration: { id: string; number: number } }>(
    'POST',
    `/runs/${runId}/proposals`,
    { patch },
  );
  await until(async () => {
    const { state } = await house.api<{ state: string }>('GET', `/runs/${runId}/iterations/${iteration.number}`);
    if (state === 'kept') return true;
    if (!['proposing', 'accepted', 'measuring'].includes(state)) throw new Error(`iteration ${state}`);
    return false;
  });
  const { items } = await house.api<{ items: { iterationId: string; createdAt: string; endedAt: string }[] }>(
    'GET',
    `/jobs?run=${runId}&limit=10`,
  );
  const job = items.find(({ iterationId }) => iterationId === iteration.id);
  if (!job) throw new Error('the iteration has no job');
  return Date.parse(job.endedAt) - Date.parse(job.createdAt);
}

function timed(command: string, cwd: string): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    spawn('/bin/sh', ['-c', command], { cwd, stdio: 'ignore' }).once('close', (code) => {
      if (code === 0) resolve(performance.now() - begun);
      else reject(new Error(`by hand the command ended with ${code}`));
    });
  });
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  // Asked rarely: whoever asks takes part of the two cores.
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}
