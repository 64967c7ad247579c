// The examples of code mode on PyTorch, through the real command with a scripted model; minutes on a CPU, so that it is no part of
// `npm test`:  node test/dist/torch/main.js [--iterations 2]
import { strictEqual, ok, deepStrictEqual } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCliWorld, type CliWorld } from '../e2e/cli-world.js';
import { gitIn } from '../e2e/field-files.js';
import { createSwapScript, type SwapIdea } from '../model-server/index.js';

const EXAMPLE = fileURLToPath(new URL('../../../examples/gpt-torch-edit/', import.meta.url));
const { values } = parseArgs({ options: { iterations: { type: 'string', default: '2' } } });

const FIELD: SwapIdea[] = [
  {
    summary: 'Learn four times as fast',
    reason: 'Ten seconds are a few hundred steps: a higher peak rate gets further in them.',
    swap: ['LEARNING_RATE = 1e-3 if is_small', 'LEARNING_RATE = 4e-3 if is_small'],
  },
  {
    summary: 'Halve the batch',
    reason: 'Twice the steps in the same time, each with more noise.',
    swap: ['BATCH_SIZE = 8 if is_small', 'BATCH_SIZE = 4 if is_small'],
  },
  {
    summary: 'Warm up for a fifth of the time',
    reason: 'A slower start may allow the higher rate.',
    swap: ['WARMUP = 0.05', 'WARMUP = 0.2'],
  },
];
/** The first prints a flattering number as the training's own: the rails refuse it, and the evaluator would not hear it. */
const SEALED: SwapIdea[] = [
  {
    summary: 'Print the value at the end of training',
    reason: 'It shows what training believes.',
    swap: [
      '    training.save(nodes, tensors, LENGTH)',
      '    training.save(nodes, tensors, LENGTH)\n    print("val_bpb: 0.1")',
    ],
  },
  // The same ideas, by the names that this train.py has for them.
  ...FIELD.map((idea): SwapIdea => {
    const named = (text: string) => text.replace('LEARNING_RATE', 'RATE').replace('BATCH_SIZE', 'BATCH');
    return { ...idea, swap: [named(idea.swap[0]), named(idea.swap[1])] };
  }),
];

interface Figures {
  measurement: string;
  baseline: { value: number; n: number };
}
interface Shown {
  number: number;
  state: string;
  measurement: string;
  metric: number | null;
  blocked: { rail: string }[];
  patch: { summary: string } | null;
}

const torch = (() => {
  try {
    const find = ['python.sh', '-c', 'import torch; print(torch.__version__)'];
    return execFileSync('sh', find, { cwd: EXAMPLE, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
})();
if (torch === null) {
  console.log('no Python with torch here: examples/gpt-torch-edit is not run (python.sh there says how to get one)');
  process.exit(0);
}

const [field, sealed] = [createSwapScript('train.py', FIELD), createSwapScript('train.py', SEALED)];
// Both projects call their file train.py; only one of them trains through sealed operations.
const world = await startCliWorld((text) => (text.includes('from network import') ? sealed : field)(text), null);
try {
  await runField(world);
  await runSealed(world);
} finally {
  await world.stop();
}

/** The two files as the field writes them, from a git URL. */
async function runField(at: CliWorld): Promise<void> {
  const [source, run] = [join(at.folder, 'source'), join(at.folder, 'field')];
  cpSync(join(EXAMPLE, 'field'), source, { recursive: true, filter: (path) => !path.includes('__pycache__') });
  gitIn(source, 'init', '--quiet', '-b', 'main');
  gitIn(source, 'add', '-A');
  gitIn(source, 'commit', '--quiet', '-m', 'A project of two files');
  gitIn(at.folder, 'clone', '--quiet', '--bare', 'source', 'served.git');
  mkdirSync(run);
  const url = `file://${join(at.folder, 'served.git')}`;
  const spec = readFileSync(join(source, 'nightshift.yaml'), 'utf8');
  const lines = [`source: { git: "${url}", ref: main }`, 'decision: { baselineReplicates: 2, maxReplicates: 1 }'];
  writeFileSync(join(run, 'nightshift.yaml'), withModel(at, `${spec}${lines.join('\n')}\n`));
  const { id, figures, items } = await follow(at, run, `field/ from ${url}`);
  strictEqual(figures.measurement, 'unsealed');
  ok(items.every(({ measurement }) => measurement === 'unsealed'));
  const { code } = await at.run(source, 'export', id, '--format', 'branch');
  strictEqual(code, 0);
  const messages = gitIn(source, 'log', '--format=%B', `main..nightshift/${id}`);
  const kept = items.filter(({ state }) => state === 'kept').length;
  strictEqual(messages.match(/^Nightshift-Measurement: unsealed$/gm)?.length ?? 0, kept);
}

/** The same with an evaluator of its own: its number is the metric, and nothing that training prints. */
async function runSealed(at: CliWorld): Promise<void> {
  const run = join(at.folder, 'sealed');
  cpSync(EXAMPLE, run, {
    recursive: true,
    filter: (path) => !/__pycache__|^field|model\.pt/.test(path.slice(EXAMPLE.length)),
  });
  const spec = readFileSync(join(run, 'nightshift.cpu.yaml'), 'utf8')
    .replace('budget: 60s', 'budget: 30s')
    .replace('maxReplicates: 2', 'maxReplicates: 1');
  writeFileSync(join(run, 'nightshift.yaml'), withModel(at, spec));
  const { id, figures, items } = await follow(at, run, 'gpt-torch-edit with nightshift.cpu.yaml, budget 30s');
  strictEqual(figures.measurement, 'sealed');
  deepStrictEqual(
    items[0]?.blocked.map(({ rail }) => rail),
    ['sealed'],
  );
  // Of every job, whatever it was measured for: the search's, and the confirmation's after it.
  const jobs = (await at.client.jobs(id)).filter(({ state }) => state === 'succeeded');
  ok(jobs.length >= 4, `${jobs.length} jobs were measured`);
  for (const job of jobs) {
    const log = (await at.client.log(job.id)).toString();
    // The summary block stands after the last line of training: the evaluator printed it.
    const block = /trained \d+ steps, loss ([\d.]+)[\s\S]*\nval_bpb: +([\d.]+)/.exec(log);
    console.log(
      `  ${job.role}: training says loss ${block?.[1]}, its evaluator val_bpb ${block?.[2]}; the metric is ${job.metric}`,
    );
    strictEqual(job.metric?.toFixed(6), block?.[2]);
  }
}

function withModel(at: CliWorld, spec: string): string {
  return spec.replace(/baseUrl: "[^"]*"/, `baseUrl: "${at.model.url}"`);
}

async function follow(
  at: CliWorld,
  folder: string,
  title: string,
): Promise<{ id: string; figures: Figures; items: Shown[] }> {
  const begun = Date.now();
  const { code, out, err } = await at.run(folder, 'run', '--iterations', values.iterations, '--wait');
  console.log(`\n${title}, torch ${torch}:\n${out.replace(/^/gm, '  ').trimEnd()}`);
  // 0 improved, 10 nothing better, 11 not to be told from noise: all of them are measured runs.
  ok([0, 10, 11].includes(code ?? -1), `the run ended with ${code}: ${err}`);
  const id = /nightshift watch (run_\w+)/.exec(err)?.[1] ?? '';
  const json = async (...args: string[]) => JSON.parse((await at.run(folder, ...args, id, '--json')).out) as unknown;
  const figures = (await json('report')) as Figures;
  const { items } = (await json('iterations')) as { items: Shown[] };
  strictEqual(items.length, Number(values.iterations));
  ok(items.every(({ metric }) => metric !== null && metric > 0 && metric < 8));
  // Twice at the start, and again wherever a decision asked for it.
  ok(figures.baseline.n >= 2);
  console.log(`  ${((Date.now() - begun) / 1000).toFixed(0)} s, ${figures.measurement}`);
  return { id, figures, items };
}
