import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileConstraints, configKey, defaultConfig, parseMenu, type Config, type Trial } from '@nightshift/protocol';
import { estimateNoise, reportedBest } from '@nightshift/control-plane/decision/index';
import { defaultSampler } from '@nightshift/control-plane/search/default-sampler';
import { seededRandom } from '@nightshift/control-plane/search/random';
import { parse } from 'yaml';
import { ourRule, type Verdict } from './keep-rule.js';

const EXAMPLE = fileURLToPath(new URL('../../../../examples/byte-lm/', import.meta.url));
const BUDGET_SECONDS = '4';
/** A training that hangs would hold the bench for ever; an honest one takes the budget and a second or two. */
const LIMIT_MS = 60_000;

/** Trains and evaluates examples/byte-lm once with this configuration; null when either command fails or reports nothing. */
function measure(config: Config, seed: number): number | null {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-byte-lm-'));
  try {
    const paths = { config: join(folder, 'config.json'), metrics: join(folder, 'metrics.jsonl') };
    writeFileSync(paths.config, JSON.stringify(config));
    const env = {
      ...process.env,
      NIGHTSHIFT_CONFIG: paths.config,
      NIGHTSHIFT_METRICS: paths.metrics,
      NIGHTSHIFT_SOURCE: EXAMPLE,
      NIGHTSHIFT_SEED: String(seed),
      NIGHTSHIFT_BUDGET_SECONDS: BUDGET_SECONDS,
    };
    for (const script of ['train.mjs', 'evaluate.mjs']) {
      writeFileSync(paths.metrics, '');
      const ended = spawnSync(process.execPath, [join(EXAMPLE, script)], { cwd: folder, env, timeout: LIMIT_MS });
      if (ended.status !== 0) return null;
    }
    const lines = readFileSync(paths.metrics, 'utf8').trim().split('\n').filter(Boolean);
    const value = (JSON.parse(lines.at(-1) ?? '{}') as { value?: unknown }).value;
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `count` real measurements of examples/byte-lm, by our sampler and our rule; a line for each is printed as it ends. */
export function realRace(count: number, seed: number, print: (line: string) => void): void {
  const spec = parse(readFileSync(join(EXAMPLE, 'nightshift.yaml'), 'utf8')) as { menu: unknown };
  const menu = parseMenu(spec.menu);
  const trials: Trial[] = [];
  const groups = new Map<string, number[]>();
  let spent = 0;
  const run = (config: Config): number[] => {
    const key = configKey(config);
    const values = groups.get(key) ?? [];
    groups.set(key, values);
    let trial = trials.find((known) => configKey(known.config) === key);
    if (!trial) trials.push((trial = { config, value: null, state: 'failed' }));
    spent++;
    const value = measure(config, seed);
    if (value === null) return values;
    values.push(value);
    const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
    Object.assign(trial, { value: mean, n: values.length, state: 'complete' });
    return values;
  };

  let base = defaultConfig(menu);
  for (let i = 0; i < ourRule.baselineReplicates; i++) run(base);
  const baselineKey = configKey(base);
  print(
    `baseline: ${groups
      .get(baselineKey)
      ?.map((value) => value.toFixed(4))
      .join(', ')}`,
  );
  for (let turn = 1; spent < count; turn++) {
    const found = defaultSampler({
      menu,
      constraints: compileConstraints(menu),
      base,
      trials,
      goal: 'minimize',
      random: seededRandom(`real ${seed} ${turn}`),
      noiseSd: estimateNoise([...groups.values()]).sd,
      exclude: (key) => groups.has(key),
    });
    if (!found) break;
    const config = { ...base, [found.knob]: found.newValue };
    const mine = run(config);
    const judge = (): Verdict =>
      ourRule.judge({
        goal: 'minimize',
        candidate: mine,
        incumbent: groups.get(configKey(base)) ?? [],
        groups: [...groups.values()],
        decisionsSoFar: turn - 1,
        plannedDecisions: count,
      });
    let verdict: Verdict = mine.length === 0 ? 'revert' : judge();
    const counted = () => [...groups.values()].reduce((sum, values) => sum + values.length, 0);
    for (; verdict.startsWith('measure') && spent < count; verdict = judge()) {
      const before = counted();
      run(verdict === 'measure candidate' ? config : base);
      // A failed replicate adds no value, and the same question would come back for ever.
      if (counted() === before) break;
    }
    const values = mine.length === 0 ? 'failed' : mine.map((value) => value.toFixed(4)).join(', ');
    print(`${turn}. ${found.knob} ${String(base[found.knob])} -> ${String(found.newValue)}: ${values}; ${verdict}`);
    if (verdict === 'keep') base = config;
  }
  const best = reportedBest({
    goal: 'minimize',
    groups: [...groups].map(([key, values]) => ({ key, values })),
    baselineKey,
  });
  if (best)
    print(
      `best: ${best.shrunken.toFixed(4)} (standard error ${best.standardError?.toFixed(4) ?? 'unknown'}), improvement ${(100 * (best.improvement ?? 0)).toFixed(1)}%; noise sd ${estimateNoise([...groups.values()]).sd?.toFixed(4) ?? 'unknown'}`,
    );
}
