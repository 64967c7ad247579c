import { parseArgs } from 'node:util';
import { defaultSampler } from '@nightshift/control-plane/search/default-sampler';
import { gpSampler } from '@nightshift/control-plane/search/gp-sampler';
import { randomSampler } from '@nightshift/control-plane/search/random-sampler';
import { tpeSampler } from '@nightshift/control-plane/search/tpe-sampler';
import { amnesiacPolicy, hybridContender, modelContender, samplerContender, sensiblePolicy } from './contenders.js';
import { guardTable } from './guarded.js';
import { naiveRule, ourRule } from './keep-rule.js';
import { byteLm } from './objective-byte-lm.js';
import { OBJECTIVES, prepare, type Work } from './objectives.js';
import { race, type Contender, type RaceResult } from './race.js';
import { realTable } from './real-report.js';
import { realRace } from './real.js';
import {
  CHECKPOINTS,
  markdown,
  pairedDifference,
  raceTable,
  regretBySeed,
  show,
  summarise,
  type Row,
} from './report.js';
import { earlyStopTable, pureNoiseTable } from './side-tables.js';
import { estimate, type Estimate } from './statistics.js';

const BUDGET = 100;

/** `proposer.share: 0.75`, of somebody who trusts the model. */
const TRUSTING = { floor: 0.1, ceiling: 0.8, start: 0.75 };

const CONTENDERS: readonly Contender[] = [
  samplerContender('random', randomSampler, ourRule, false),
  samplerContender('tpe', tpeSampler),
  samplerContender('gp', gpSampler),
  samplerContender('gp, no stacking', gpSampler, ourRule, false),
  samplerContender('gp, naive rule', gpSampler, naiveRule, false),
  modelContender('amnesiac model', amnesiacPolicy, true),
  modelContender('sensible model', sensiblePolicy, false),
  hybridContender('hybrid, amnesiac', defaultSampler, amnesiacPolicy),
  hybridContender('hybrid, sensible', defaultSampler, sensiblePolicy),
  hybridContender('hybrid, sensible, share 0.75', defaultSampler, sensiblePolicy, TRUSTING),
];
/** Those that need no truth: the sensible model's picture is made of it. */
const REAL: readonly Contender<Work>[] = [
  samplerContender('random', randomSampler, ourRule, false),
  samplerContender('gp', defaultSampler),
  hybridContender('hybrid, amnesiac', defaultSampler, amnesiacPolicy),
];
/** What the goals are decided by: these contenders race on more seeds. The sampler alone is the one that the hybrids work with. */
const PAIRS: readonly [string, string][] = [
  ['hybrid, amnesiac', 'gp'],
  ['hybrid, sensible', 'gp'],
  ['hybrid, sensible', 'sensible model'],
  ['hybrid, sensible, share 0.75', 'gp'],
  ['hybrid, sensible, share 0.75', 'sensible model'],
];
const ASIDE: readonly [string, string][] = [
  ['gp', 'tpe'],
  ['gp', 'gp, no stacking'],
  ['gp', 'gp, naive rule'],
];

const text = { type: 'string' } as const;
const { values: options } = parseArgs({
  options: {
    seeds: text,
    'goal-seeds': text,
    'first-seed': text,
    noise: text,
    real: text,
    guards: { type: 'boolean' },
    json: { type: 'boolean' },
    objective: { ...text, multiple: true },
    contender: { ...text, multiple: true },
  },
});
/** What each other race takes: an option that changes nothing would pass for one that did. */
const TAKES = { real: ['real', 'seeds', 'first-seed'], guards: ['guards', 'seeds', 'first-seed'] };
const mode = options.real !== undefined ? 'real' : options.guards ? 'guards' : null;
const refused = mode === null ? [] : Object.keys(options).filter((name) => !TAKES[mode].includes(name));
if (mode !== null && refused.length > 0)
  throw new Error(
    `--${mode} takes no --${refused.join(', --')}: it goes with ${TAKES[mode].map((name) => `--${name}`).join(', ')}`,
  );
for (const [option, all] of [
  ['objective', OBJECTIVES],
  ['contender', CONTENDERS],
] as const)
  for (const name of options[option] ?? [])
    if (!all.some((one) => one.name === name))
      throw new Error(`--${option}: there is no ${name}; there are ${all.map((one) => one.name).join('; ')}`);

function whole(name: string, given: string, least: number): number {
  const value = Number(given);
  if (!Number.isSafeInteger(value) || value < least)
    throw new Error(`--${name} needs a whole number from ${least}, got ${given}`);
  return value;
}
// A seed of a real race takes minutes.
const seeds = whole('seeds', options.seeds ?? (options.real === undefined ? '30' : '1'), 1);
const goalSeeds = Math.max(seeds, whole('goal-seeds', options['goal-seeds'] ?? String(seeds), 1));
const firstSeed = whole('first-seed', options['first-seed'] ?? '1000', 0);
const noise = Number(options.noise ?? '1');
if (!(noise > 0)) throw new Error(`--noise needs a factor above 0, got ${options.noise}`);
const print = (line: string) => {
  if (!options.json) process.stdout.write(`${line}\n`);
};

if (options.guards) guarded();
else if (options.real === undefined) simulated();
else trained(whole('real', options.real, ourRule.confirm + 1));

function guarded(): void {
  print(`\n### Guards, seen and unseen by the sampler\n\n${guardTable(seeds, firstSeed, BUDGET)}`);
}

function trained(count: number): void {
  const work = byteLm();
  const results = Array.from({ length: seeds }, (_, i) => realRace(work, REAL, { count, seed: firstSeed + i }, print));
  print(`\n${realTable(results.flat(), work)}`);
}

function simulated(): void {
  const objectives = OBJECTIVES.filter(({ name }) => options.objective?.includes(name) ?? true);
  const contenders = CONTENDERS.filter(({ name }) => options.contender?.includes(name) ?? true);
  const isWhole = options.objective === undefined && options.contender === undefined;
  const rows: Row[] = [];
  const all = new Map<string, Map<string, RaceResult[]>>(contenders.map(({ name }) => [name, new Map()]));
  for (const objective of objectives) {
    const course = prepare({ ...objective, relativeNoise: objective.relativeNoise * noise });
    const knobs = Object.keys(course.menu.knobs).length;
    const mine = contenders.map((contender) => {
      const isGoal = PAIRS.some((pair) => pair.includes(contender.name));
      const results = Array.from({ length: isGoal ? goalSeeds : seeds }, (_, i) =>
        race(contender, course, firstSeed + i, BUDGET),
      );
      all.get(contender.name)?.set(objective.name, results);
      return summarise(objective.name, contender.name, knobs, results);
    });
    rows.push(...mine);
    const { baseValue, best, goal, noiseSd } = course;
    print(
      `\n### ${objective.name}\n\n${goal}; baseline ${baseValue.toFixed(3)}, optimum ${best.value.toFixed(3)}, noise sd ${noiseSd.toFixed(4)}; seeds from ${firstSeed}\n\n${raceTable(mine)}`,
    );
  }

  const at = <T>(make: (checkpoint: number) => T) => Object.fromEntries(CHECKPOINTS.map((one) => [one, make(one)]));
  const together = [...all].map(([contender, results]) => ({
    contender,
    seeds: regretBySeed(results, 1).length,
    regret: at((checkpoint) => estimate(regretBySeed(results, checkpoint))),
    // The mean over the objectives at each seed, so that two versions of the code can be paired too.
    regretBySeed: at((checkpoint) => regretBySeed(results, checkpoint)),
  }));
  const pairs = [...PAIRS, ...ASIDE].flatMap(([first, second]) => {
    const [a, b] = [all.get(first), all.get(second)];
    if (!a || !b) return [];
    const pairSeeds = Math.min(regretBySeed(a, 1).length, regretBySeed(b, 1).length);
    const difference = at((checkpoint) => pairedDifference(a, b, checkpoint));
    return [{ pair: `${first} - ${second}`, seeds: pairSeeds, difference }];
  });
  const cells = (figures: Record<string, Estimate>) => CHECKPOINTS.map((one) => show(figures[one] as Estimate, 2));
  const head = ['seeds', ...CHECKPOINTS.map((one) => `regret ${one}`)];
  const overall = together.map((row) => [row.contender, String(row.seeds), ...cells(row.regret)]);
  print(`\n### All objectives together\n\n${markdown(['contender', ...head], overall)}`);
  const paired = pairs.map((row) => [row.pair, String(row.seeds), ...cells(row.difference)]);
  print(`\n### Differences at the same seeds, below 0 is better\n\n${markdown(['pair', ...head], paired)}`);

  if (options.json)
    process.stdout.write(
      `${JSON.stringify({ seeds, goalSeeds, firstSeed, budget: BUDGET, rows, together, pairs }, null, 2)}\n`,
    );
  else if (isWhole) {
    print(`\n### Nothing to find: ${BUDGET} measurements of pure noise\n\n${pureNoiseTable(seeds, firstSeed, BUDGET)}`);
    print(`\n### Early stopping, on the same nights\n\n${earlyStopTable(seeds)}`);
    guarded();
  }
}
