import { simulateNight, type Outcome, type Rule } from './simulate.js';
import { WORLDS } from './worlds.js';

// Paired: every rule works through the same nights, so that differences are of the rule and not of luck.
const seeds = Number(process.argv[2] ?? 60);
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
const sum = (outcomes: Outcome[], key: 'stopped' | 'candidates' | 'wronglyStopped' | 'better') =>
  outcomes.reduce((total, outcome) => total + outcome[key], 0);

const out = (line = '') => process.stdout.write(`${line}\n`);
out(`${seeds} seeds a row, ${CANDIDATES} candidates a night; 95% intervals; differences are paired by seed.`);
for (const world of WORLDS) {
  const nights = (rule: Rule, count = CANDIDATES, gpuLimits?: number[]) =>
    Array.from({ length: seeds }, (_, seed) => simulateNight(world, rule, seed + 1, count, gpuLimits?.[seed]));
  const full = nights({ kind: 'none' });
  const limits = full.map((night) => night.gpuSeconds);
  // Both sides of "same GPU time" draw from the same longer list of candidates, cut at the same time.
  const reference = nights({ kind: 'none' }, 4 * CANDIDATES, limits);
  out(`\n**Curves: ${world.name}**\n`);
  out(
    '| rule | GPU time saved | final quality lost, same candidates | final quality lost, same GPU time | candidates stopped | better ones stopped |',
  );
  out('| --- | --- | --- | --- | --- | --- |');
  for (const { name, rule } of RULES) {
    const same = nights(rule);
    const longer = rule.kind === 'none' ? reference : nights(rule, 4 * CANDIDATES, limits);
    const saved = same.map((night, i) => 100 * (1 - night.gpuSeconds / full[i]!.gpuSeconds));
    const lost = (a: Outcome[], b: Outcome[]) => a.map((night, i) => 100 * (night.quality / b[i]!.quality - 1));
    out(
      `| ${name} | ${summary(saved, 1)} | ${summary(lost(same, full), 2)} | ${summary(lost(longer, reference), 2)} | ${share(sum(same, 'stopped'), sum(same, 'candidates'))} | ${share(sum(same, 'wronglyStopped'), sum(same, 'better'))} |`,
    );
  }
}
