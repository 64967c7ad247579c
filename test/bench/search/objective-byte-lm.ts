import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  compileConstraints,
  configKey,
  defaultConfig,
  parseSpec,
  readSpecYaml,
  type Config,
} from '@nightshift/protocol';
import { jobSeed } from '@nightshift/control-plane/loop/seed';
import type { Measurement, Work } from './objectives.js';

/** Beside the sources the example is three folders up, beside what the compiler wrote four. */
const EXAMPLE = ['../../../', '../../../../']
  .map((up) => fileURLToPath(new URL(`${up}examples/byte-lm/`, import.meta.url)))
  .find((folder) => existsSync(folder)) as string;
/** A training that hangs would hold the bench for ever; an honest one takes its budget and a second or two. */
const LIMIT_MS = 60_000;

/** Real work: nobody knows its truth, and a measurement is a training. */
export interface Trained extends Work {
  /** Trains and evaluates once, for its budget of wall time. */
  train(config: Config, trainingSeed: number): Measurement;
}

/** examples/byte-lm, with its own budget unless another is given. */
export function byteLm(budgetSeconds?: number): Trained {
  const spec = parseSpec(readSpecYaml(readFileSync(join(EXAMPLE, 'nightshift.yaml'), 'utf8')).value);
  const { menu, metric, job } = spec;
  if (!menu) throw new Error('examples/byte-lm/nightshift.yaml has no menu');
  const seconds = budgetSeconds ?? job.budgetMs / 1000;
  const train = (config: Config, trainingSeed: number): Measurement => {
    const measured = trainOnce(config, trainingSeed, seconds);
    const [least, most] = metric.bounds ?? [-Infinity, Infinity];
    if ('failure' in measured || (measured.value >= least && measured.value <= most)) return measured;
    return { failure: `${metric.name} ${measured.value} is outside [${least}, ${most}]` };
  };
  return {
    name: spec.name,
    goal: metric.goal,
    menu,
    constraints: compileConstraints(menu),
    base: defaultConfig(menu),
    train,
    // The seeds that the loop would give: the nth training of a configuration is the same for every contender.
    sample: (config, seed, nth) => train(config, jobSeed(seed, configKey(config), nth)),
  };
}

function trainOnce(config: Config, trainingSeed: number, budgetSeconds: number): Measurement {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-byte-lm-'));
  try {
    const paths = { config: join(folder, 'config.json'), metrics: join(folder, 'metrics.jsonl') };
    writeFileSync(paths.config, JSON.stringify(config));
    const env = {
      ...process.env,
      NIGHTSHIFT_CONFIG: paths.config,
      NIGHTSHIFT_METRICS: paths.metrics,
      NIGHTSHIFT_SOURCE: EXAMPLE,
      NIGHTSHIFT_SEED: String(trainingSeed),
      NIGHTSHIFT_BUDGET_SECONDS: String(budgetSeconds),
    };
    for (const script of ['train.mjs', 'evaluate.mjs']) {
      writeFileSync(paths.metrics, '');
      const ended = spawnSync(process.execPath, [join(EXAMPLE, script)], {
        cwd: folder,
        env,
        timeout: LIMIT_MS,
        encoding: 'utf8',
      });
      if (ended.status === 0) continue;
      const said = `${ended.stdout}\n${ended.stderr}`.trim().split('\n').at(-1);
      return { failure: `${script} ended with ${ended.status ?? ended.signal ?? ended.error?.message}: ${said}` };
    }
    const [line] = readFileSync(paths.metrics, 'utf8').trim().split('\n').slice(-1);
    const value = line ? (JSON.parse(line) as { value: unknown }).value : undefined;
    return typeof value === 'number' ? { value } : { failure: `evaluate.mjs reported ${line || 'nothing'}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
