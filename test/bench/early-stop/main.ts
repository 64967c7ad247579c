import { screenRisk } from '@nightshift/control-plane/decision/screen-risk';
import { simulateNight, type Outcome, type Rule } from './simulate.js';
import { NEARLY_PARALLEL, WORLDS, type World } from './worlds.js';

// Paired: every rule works through the same nights, so that differences are of the rule and not of luck.
const seeds = Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 60);
const isScreeningOnly = process.argv.includes('--screen');
const CANDIDATES = 50;
const RULES: { name: string; rule: Rule }[] = [
  { name: 'none', rule: { kind: 'none' } },
  { name: 'envelope, after 0.3 (default)', rule: { kind: 'ours', rule: 'envelope', after: 0.3 } },
  { name: 'envelope, after 0.15', rule: { kind: 'ours', rule: 'envelope', after: 0.15 } },
  { name: 'envelope, after 0.5', rule: { kind: 'ours', rule: 'envelope', after: 0.5 } },
  { name: 'median, after 0.3', rule: { kind: 'ours', rule: 'median', after: 0.3 } },
  { name: 'naive: newest point above the incumbent’s', rule: { kind: 'naive', after: 0.3 } },
];

/** Mean and half the width of its 95% interval (normal; at least 30 seeds). */
function summary(values: number[], digits: number, unit = '%'): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  const half = 1.96 * Math.sqrt(variance / values.length);
  return `${mean.toFixed(digits)}${unit} ± ${half.toFixed(digits)}${unit}`;
}
const share = (part: number, all: number) => (all === 0 ? '0%' : `${((100 * part) / all).toFixed(1)}%`);
type Counted = Exclude<keyof Outcome, 'quality' | 'gpuSeconds'>;
const sum = (outcomes: Outcome[], key: Counted) => outcomes.reduce((total, outcome) => total + outcome[key], 0);

const out = (line = '') => process.stdout.write(`${line}\n`);
out(`${seeds} seeds a row, ${CANDIDATES} candidates a night; 95% intervals; differences are paired by seed.`);

const PLAIN: Rule = { kind: 'none' };
const ENVELOPE: Rule = { kind: 'ours', rule: 'envelope', after: 0.3 };
const screened = (rule: Rule, share: number): Rule => ({ ...rule, screen: { share, after: 5, margin: 0 } });
const SCREENS: { name: string; rule: Rule }[] = [
  { name: 'none', rule: PLAIN },
  { name: 'screening at 20%', rule: screened(PLAIN, 0.2) },
  { name: 'screening at 10%', rule: screened(PLAIN, 0.1) },
  { name: 'early stopping alone', rule: ENVELOPE },
  { name: 'early stopping, screening at 20%', rule: screened(ENVELOPE, 0.2) },
  { name: 'early stopping, screening at 10%', rule: screened(ENVELOPE, 0.1) },
  {
    name: 'naive: worse than the incumbent at 20%',
    rule: { ...PLAIN, screen: { share: 0.2, after: 0, margin: 0, isNaive: true } },
  },
];

function table(world: World, rules: { name: string; rule: Rule }[], columns: Column[]): void {
  const nights = (rule: Rule, count = CANDIDATES, gpuLimits?: number[]) =>
    Array.from({ length: seeds }, (_, seed) => simulateNight(world, rule, seed + 1, count, gpuLimits?.[seed]));
  const full = nights(PLAIN);
  const limits = full.map((night) => night.gpuSeconds);
  // Both sides of "same GPU time" draw from the same longer list of candidates, cut at the same time.
  const reference = nights(PLAIN, 4 * CANDIDATES, limits);
  out(`\n**Curves: ${world.name}**\n`);
  const head = ['rule', 'GPU time saved', 'final quality lost, same candidates', 'final quality lost, same GPU time'];
  out(`| ${[...head, ...columns.map((column) => column.name)].join(' | ')} |`);
  out(`| ${[...head, ...columns].map(() => '---').join(' | ')} |`);
  for (const { name, rule } of rules) {
    const same = nights(rule);
    const longer = rule.kind === 'none' && !rule.screen ? reference : nights(rule, 4 * CANDIDATES, limits);
    const saved = same.map((night, i) => 100 * (1 - night.gpuSeconds / full[i]!.gpuSeconds));
    const lost = (a: Outcome[], b: Outcome[]) => a.map((night, i) => 100 * (night.quality / b[i]!.quality - 1));
    const cells = [
      name,
      summary(saved, 1),
      summary(lost(same, full), 2),
      summary(lost(longer, reference), 2),
      ...columns.map((column) => column.of(same)),
    ];
    out(`| ${cells.join(' | ')} |`);
  }
}

interface Column {
  name: string;
  of(nights: Outcome[]): string;
}
const part = (name: string, of: Counted, all: Counted): Column => ({
  name,
  of: (nights) => share(sum(nights, of), sum(nights, all)),
});
if (!isScreeningOnly)
  for (const world of WORLDS)
    table(world, RULES, [
      part('candidates stopped', 'stopped', 'candidates'),
      part('better ones stopped', 'wronglyStopped', 'better'),
    ]);
out('\n## Cheap screening before the full budget');
for (const world of [...WORLDS, NEARLY_PARALLEL])
  table(world, SCREENS, [
    part('candidates screened out', 'screenedOut', 'candidates'),
    part('better ones screened out', 'wronglyScreenedOut', 'better'),
    part('better ones stopped', 'wronglyStopped', 'better'),
    { name: 'nights it turned itself off', of: (nights) => share(sum(nights, 'turnedOff'), nights.length) },
  ]);
out('\n**Risk of screening, by the rank correlation of the two budgets; one candidate in six is truly better**\n');
out('| rank correlation | candidates given up | better ones given up | better ones among those given up |');
out('| --- | --- | --- | --- |');
for (const rho of [0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]) {
  const { givenUp, givenUpOfBetter, betterOfGivenUp } = screenRisk(rho, -1);
  const percent = (x: number, digits: number) => `${(100 * x).toFixed(digits)}%`;
  out(`| ${rho} | ${percent(givenUp, 1)} | ${percent(givenUpOfBetter, 2)} | ${percent(betterOfGivenUp, 2)} |`);
}
