import { simulateNaive, simulateRun, type Outcome, type Setting } from './simulate.js';

// Prints the tables of docs/decisions.md: the naive rule and ours over the same simulated runs.
// Usage: node test/dist/bench/decision/main.js [SEEDS]   (2000 unless told; minutes grow with it)

const seeds = Number(process.argv[2] ?? 2000);
const night: Setting = {
  iterations: 50,
  noise: 0.0018,
  baselineReplicates: 3,
  maxReplicates: 3,
  minImprovement: 0.005,
  confidence: 0.9,
  isPlanned: true,
  truth: () => 0,
};
const demo: Setting = { ...night, iterations: 12, baselineReplicates: 2, maxReplicates: 2, minImprovement: 0.003 };
type Rule = typeof simulateRun;

function runs(rule: Rule, setting: Setting): Outcome[] {
  return Array.from({ length: seeds }, (_, seed) => rule(seed + 1, setting));
}

/** A mean with its 95% interval (normal approximation over seeds). */
function interval(values: number[], show: (value: number) => string): string {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return `${show(mean)} ± ${show(1.96 * Math.sqrt(variance / values.length))}`;
}

/** A share with its Wilson 95% interval, which is sound for shares near 0 too. */
function share(hits: boolean[]): string {
  const n = hits.length;
  const p = hits.filter(Boolean).length / n;
  const z = 1.96;
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  const show = (value: number) => (100 * Math.max(0, value)).toFixed(1);
  return `${show(p)}% (${show(centre - half)} to ${show(centre + half)})`;
}

const plain = (digits: number) => (value: number) => value.toFixed(digits);
const percent = (value: number) => `${(100 * value).toFixed(2)}%`;
const label = (fraction: number) => `${Number((100 * fraction).toPrecision(3))}%`;
const row = (...cells: string[]) => console.log(`| ${cells.join(' | ')} |`);
function head(title: string, ...cells: string[]): void {
  console.log(`\n### ${title}\n`);
  row(...cells);
  row(...cells.map(() => '---'));
}
const falseKeeps = (outcome: Outcome) => outcome.kept.filter(({ truth, replaced }) => truth <= replaced).length;

function noiseRow(name: string, rule: Rule, setting: Setting): void {
  const outcomes = runs(rule, setting);
  row(
    name,
    label(setting.noise),
    interval(outcomes.map(falseKeeps), plain(3)),
    share(outcomes.map((outcome) => falseKeeps(outcome) > 0)),
    interval(
      outcomes.map(({ extra }) => extra),
      plain(2),
    ),
  );
}

console.log(`${seeds} seeds a row; 95% intervals.`);

head(
  'Nothing but noise: 50 candidates that all equal the baseline',
  'rule',
  'noise sd',
  'false keeps a run',
  'runs with any',
  'extra measurements a run',
);
for (const noise of [0.0018, 0.006]) {
  const setting = { ...night, noise };
  noiseRow('naive: keep when better by 0.5%', simulateNaive, setting);
  noiseRow('naive: keep when better at all', simulateNaive, { ...setting, minImprovement: 0 });
  noiseRow('ours', simulateRun, setting);
  noiseRow('ours, minImprovement 0', simulateRun, { ...setting, minImprovement: 0 });
  noiseRow('ours, baseline measured once', simulateRun, { ...setting, baselineReplicates: 1 });
  noiseRow('ours, number of candidates unknown', simulateRun, { ...setting, isPlanned: false });
}
noiseRow('ours, noise far above the prior', simulateRun, { ...night, noise: 0.05 });
for (const noise of [0.005, 0.01]) noiseRow('ours, demo (12 candidates)', simulateRun, { ...demo, noise });

head(
  'Power: one candidate among equals is truly better',
  'rule',
  'noise sd',
  'true gain',
  'kept, as first candidate',
  'kept, in mid-run',
  'extra measurements a run',
);
const isFound = ({ kept }: Outcome) => kept.some(({ truth }) => truth > 0);
function powerRow(name: string, rule: Rule, setting: Setting, gain: number, latePlace: number): void {
  const at = (place: number) => runs(rule, { ...setting, truth: (iteration) => (iteration === place ? gain : 0) });
  const late = at(latePlace);
  row(
    name,
    label(setting.noise),
    label(gain),
    share(at(1).map(isFound)),
    share(late.map(isFound)),
    interval(
      late.map(({ extra }) => extra),
      plain(2),
    ),
  );
}
for (const noise of [0.0018, 0.006])
  for (const gain of [0.005, 0.01, 0.02, 0.03]) {
    powerRow('naive', simulateNaive, { ...night, noise }, gain, 25);
    powerRow('ours', simulateRun, { ...night, noise }, gain, 25);
  }
for (const gain of [0.01, 0.02])
  powerRow('ours, maxReplicates 8', simulateRun, { ...night, noise: 0.006, maxReplicates: 8 }, gain, 25);
for (const noise of [0.005, 0.0075, 0.01]) powerRow('ours, demo', simulateRun, { ...demo, noise }, 0.05, 6);

head(
  'What the morning report claims (improvement over the baseline)',
  'truth of the candidates',
  'report',
  'claimed',
  'true',
  'claimed - true',
  'error in standard errors',
);
const worlds: [string, Setting['truth']][] = [
  ['all equal the baseline', () => 0],
  ['normal, mean -1%, sd 1%', (_, source) => -0.01 + 0.01 * source.normal()],
  [
    'half far worse (0 to 20%), half within 1%',
    (_, source) => (source.uniform() < 0.5 ? -0.2 * source.uniform() : -0.003 + 0.005 * source.normal()),
  ],
];
for (const [name, truth] of worlds)
  for (const noise of [0.0018, 0.006])
    for (const [report, rule] of [
      ['headline: the luckiest draw', simulateNaive],
      ['ours: replicated and shrunken', simulateRun],
    ] as const) {
      const outcomes = runs(rule, { ...night, noise, truth });
      const claims = outcomes.filter(({ claimedError }) => claimedError !== null);
      row(
        `${name}; noise ${label(noise)}`,
        report,
        interval(
          outcomes.map(({ claimed }) => claimed),
          percent,
        ),
        interval(
          outcomes.map(({ claimedTruth }) => claimedTruth),
          percent,
        ),
        interval(
          outcomes.map(({ claimed, claimedTruth }) => claimed - claimedTruth),
          percent,
        ),
        claims.length === 0
          ? 'none stated'
          : interval(
              claims.map(({ claimed, claimedTruth, claimedError }) =>
                claimedError ? Math.abs(claimed - claimedTruth) / claimedError : 0,
              ),
              plain(2),
            ),
      );
    }
