import { parseArgs } from 'node:util';
import { gpSampler } from '@nightshift/control-plane/search/gp-sampler';
import { randomSampler } from '@nightshift/control-plane/search/random-sampler';
import { tpeSampler } from '@nightshift/control-plane/search/tpe-sampler';
import { defaultSampler } from '@nightshift/control-plane/search/default-sampler';
import { amnesiacPolicy, hybridContender, modelContender, samplerContender, sensiblePolicy } from './contenders.js';
import { OBJECTIVES, prepare } from './objectives.js';
import { race, type Contender, type RaceResult } from './race.js';
import { estimate, type Estimate } from './statistics.js';

const BUDGET = 100;
const CHECKPOINTS = [25, 50, 100] as const;

const CONTENDERS: readonly Contender[] = [
  samplerContender('random', randomSampler),
  samplerContender('tpe', tpeSampler),
  samplerContender('gp', gpSampler),
  modelContender('amnesiac model', amnesiacPolicy, true),
  modelContender('sensible model', sensiblePolicy, false),
  hybridContender('hybrid, amnesiac', defaultSampler, amnesiacPolicy),
  hybridContender('hybrid, sensible', defaultSampler, sensiblePolicy),
];

const { values: options } = parseArgs({
  options: {
    seeds: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
    objective: { type: 'string', multiple: true },
    contender: { type: 'string', multiple: true },
  },
});
const seeds = Number(options.seeds);
if (!Number.isSafeInteger(seeds) || seeds < 1)
  throw new Error(`--seeds needs a whole number above 0, got ${options.seeds}`);
const objectives = OBJECTIVES.filter(({ name }) => options.objective?.includes(name) ?? true);
const contenders = CONTENDERS.filter(({ name }) => options.contender?.includes(name) ?? true);

interface Row {
  objective: string;
  contender: string;
  seeds: number;
  /** Percent of the baseline's distance to the optimum that is left after 25, 50 and 100 measurements. */
  regret: Record<string, Estimate>;
  distinct: Estimate;
  knobs: number;
  knobsTouched30: Estimate;
  wastedRepeats: Estimate;
  failures: Estimate;
  modelTurns: Estimate;
}

function summarise(objective: string, contender: string, knobs: number, results: RaceResult[]): Row {
  const of = (pick: (result: RaceResult) => number) => estimate(results.map(pick));
  return {
    objective,
    contender,
    seeds: results.length,
    regret: Object.fromEntries(CHECKPOINTS.map((at) => [at, of((result) => 100 * (result.regret[at - 1] as number))])),
    distinct: of((result) => result.distinct),
    knobs,
    knobsTouched30: of((result) => result.knobsTouched30),
    wastedRepeats: of((result) => result.wastedRepeats),
    failures: of((result) => result.failures),
    modelTurns: of((result) => result.modelTurns),
  };
}

const show = ({ mean, half }: Estimate, digits = 1) =>
  Number.isFinite(half) ? `${mean.toFixed(digits)} ± ${half.toFixed(digits)}` : mean.toFixed(digits);

function table(rows: Row[]): string {
  const head = [
    'contender',
    ...CHECKPOINTS.map((at) => `regret ${at}`),
    'distinct',
    'knobs by 30',
    'wasted repeats',
    'failed',
    'model turns',
  ];
  const lines = rows.map((row) => [
    row.contender,
    ...CHECKPOINTS.map((at) => show(row.regret[at] as Estimate)),
    show(row.distinct, 0),
    `${row.knobsTouched30.mean.toFixed(1)} of ${row.knobs}`,
    show(row.wastedRepeats),
    show(row.failures),
    row.modelTurns.mean.toFixed(0),
  ]);
  return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

const rows: Row[] = [];
const overall = new Map<string, RaceResult[]>(contenders.map(({ name }) => [name, []]));
for (const objective of objectives) {
  const course = prepare(objective);
  const mine: Row[] = [];
  for (const contender of contenders) {
    const results = Array.from({ length: seeds }, (_, seed) => race(contender, course, seed, BUDGET));
    overall.get(contender.name)?.push(...results);
    mine.push(summarise(objective.name, contender.name, Object.keys(course.menu.knobs).length, results));
  }
  rows.push(...mine);
  if (!options.json) {
    const { baseValue, best, goal } = course;
    process.stdout.write(
      `\n## ${objective.name}\n\n${goal}; baseline ${baseValue.toFixed(3)}, optimum ${best.value.toFixed(3)}, noise sd ${course.noiseSd.toFixed(4)}; ${seeds} seeds\n\n${table(mine)}\n`,
    );
  }
}
const together = [...overall].map(([name, results]) => summarise('all', name, 0, results));
if (options.json) process.stdout.write(`${JSON.stringify({ seeds, budget: BUDGET, rows, together }, null, 2)}\n`);
else {
  const lines = together.map(
    (row) => `| ${row.contender} | ${CHECKPOINTS.map((at) => show(row.regret[at] as Estimate)).join(' | ')} |`,
  );
  process.stdout.write(
    `\n## All objectives together\n\nRegret: percent of the baseline's distance to the optimum that is left, mean ± half of the 95% interval.\n\n| contender | ${CHECKPOINTS.map((at) => `regret ${at}`).join(' | ')} |\n|---|---:|---:|---:|\n${lines.join('\n')}\n`,
  );
}
