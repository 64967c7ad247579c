// Measures the ideas of the script by hand, without Nightshift: each on the code that the kept ones before it made.
//   npx tsx test/model-server/code/measure.ts [SEEDS] [IDEA ...]      a few minutes; 3 seeds when none are given
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SCRIPT } from './script.js';
import { applySwaps } from './write-answer.js';

const example = fileURLToPath(new URL('../../../examples/byte-lm-edit/', import.meta.url));

function run(train: string, seed: number): { value: number; steps: number; note: string } {
  const folder = mkdtempSync(join(tmpdir(), 'byte-lm-edit-'));
  for (const name of ['prepare.mjs', 'evaluate.mjs']) cpSync(join(example, name), join(folder, name));
  writeFileSync(join(folder, 'train.mjs'), train);
  const env = { ...process.env, NIGHTSHIFT_SOURCE: example, NIGHTSHIFT_SEED: String(seed) };
  const node = (script: string) => spawnSync(process.execPath, [script], { cwd: folder, env, encoding: 'utf8' });
  const training = node('train.mjs');
  const evaluation = training.status === 0 ? node('evaluate.mjs') : null;
  rmSync(folder, { recursive: true });
  return {
    value: Number(/^val_bpb: (.+)$/m.exec(evaluation?.stdout ?? '')?.[1] ?? NaN),
    steps: Number([...training.stdout.matchAll(/^step (\d+)/gm)].at(-1)?.[1] ?? NaN),
    note: /^(?:FAIL.*|\w*Error: .*)$/m.exec(training.stdout + training.stderr)?.[0] ?? '',
  };
}

function measure(train: string, seeds: number) {
  const runs = Array.from({ length: seeds }, (_, at) => run(train, at + 1));
  const mean = runs.reduce((sum, { value }) => sum + value, 0) / seeds;
  const squares = runs.reduce((sum, { value }) => sum + (value - mean) ** 2, 0);
  return { mean, sd: Math.sqrt(squares / Math.max(1, seeds - 1)), steps: runs.at(-1)?.steps, note: runs.at(-1)?.note };
}

const [seedsText, ...wanted] = process.argv.slice(2);
const seeds = Number(seedsText ?? 3);
const row = (cells: unknown[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);
let kept = readFileSync(join(example, 'train.mjs'), 'utf8');
let base = measure(kept, seeds);
row(['change', 'val_bpb', 'sd', 'gained', 'steps', '']);
row(['---', '---', '---', '---', '---', '---']);
row(['as shipped', base.mean.toFixed(3), base.sd.toFixed(3), '', base.steps, '']);
for (const { id, summary, swaps, ends, path } of SCRIPT) {
  if (typeof ends === 'object' || path !== undefined) continue;
  const train = applySwaps(kept, swaps);
  if (train === null) throw new Error(`${id} does not apply`);
  if (wanted.length > 0 && !wanted.includes(id)) {
    if (ends === 'kept') kept = train;
    continue;
  }
  const result = measure(train, seeds);
  const gained = Number.isFinite(result.mean) ? `${((1 - result.mean / base.mean) * 100).toFixed(1)}%` : '';
  row([
    summary,
    result.mean.toFixed(3),
    result.sd.toFixed(3),
    gained,
    result.steps,
    result.note || (ends === 'kept' ? 'kept' : ''),
  ]);
  if (ends === 'kept') [kept, base] = [train, result];
}
