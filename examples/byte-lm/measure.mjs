// Measures the example by hand, without Nightshift: the default with six seeds, then single-knob changes.
//   node measure.mjs                 the table of the README, some three minutes
//   node measure.mjs lr=0.01 hidden=64,lr=0.003    configurations of your own, one a word, three seeds each
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SINGLE_CHANGES = [
  'lr=0.0001', 'lr=0.001', 'lr=0.01', 'lr=0.1', 'lr=1', 'beta1=0.8', 'batch_size=32', 'batch_size=128', 'batch_size=256', 'context=4', 'context=16', 'embed_dim=32',
  'hidden=64', 'hidden=512', 'depth=2', 'depth=4', 'activation=relu', 'activation=gelu', 'schedule=cosine', 'schedule=linear', 'init_scale=0.5', 'dropout=0.3',
];
const here = fileURLToPath(new URL('.', import.meta.url));

function run(change, seed) {
  const folder = mkdtempSync(join(tmpdir(), 'byte-lm-'));
  const knobs = change.split(',').filter(Boolean).map((pair) => pair.split('='));
  const config = Object.fromEntries(knobs.map(([name, value]) => [name, value === '' || isNaN(value) ? value : Number(value)]));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const env = {
    ...process.env,
    NIGHTSHIFT_SOURCE: here,
    NIGHTSHIFT_CONFIG: join(folder, 'config.json'),
    NIGHTSHIFT_METRICS: join(folder, 'metrics.jsonl'),
    NIGHTSHIFT_SEED: String(seed),
  };
  const node = (script) => spawnSync(process.execPath, [join(here, script)], { cwd: folder, env, encoding: 'utf8' });
  const training = node('train.mjs');
  let value = NaN;
  let note = training.stdout.trim().split('\n').at(-1) || training.stderr.trim();
  if (training.status === 0) {
    const evaluation = node('evaluate.mjs');
    if (evaluation.status === 0) {
      const lines = readFileSync(env.NIGHTSHIFT_METRICS, 'utf8').trim().split('\n');
      value = Number(JSON.parse(lines.at(-1)).value);
    } else note = evaluation.stderr.trim();
  }
  rmSync(folder, { recursive: true });
  return { value, note };
}

const percent = (share) => `${share < 0 ? '' : '+'}${(share * 100).toFixed(1)}%`;
const row = (name, value, note) => console.log(`${name.padEnd(34)} ${value.toFixed(4).padStart(8)}  ${note}`);

function spread(values) {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return { mean, sd: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)) };
}

const own = process.argv.slice(2);
if (own.length > 0) {
  for (const change of own) {
    const { mean, sd } = spread([1, 2, 3].map((seed) => run(change, seed).value));
    row(change, mean, `standard deviation ${sd.toFixed(4)} over 3 seeds`);
  }
} else {
  const values = [1, 2, 3, 4, 5, 6].map((seed) => {
    const { value, note } = run('', seed);
    row(`default, seed ${seed}`, value, note);
    return value;
  });
  const { mean, sd } = spread(values);
  row('default', mean, `standard deviation ${sd.toFixed(4)} over 6 seeds`);
  for (const change of SINGLE_CHANGES) {
    const { value, note } = run(change, 1);
    row(change, value, Number.isFinite(value) ? `${percent(1 - value / mean)} gained; ${note}` : note);
  }
}
