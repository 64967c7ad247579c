import { configKey, type Trial } from '@nightshift/protocol';
import { gpSampler } from '@nightshift/control-plane/search/gp-sampler';
import { seededRandom } from '@nightshift/control-plane/search/random';
import { OBJECTIVES, prepare, type Course } from '../search/objectives.js';

// What it costs a search when hopeless candidates are given up, by what the sampler is told of them. Decisions are made by truth and
// a bar of three sds of the noise, so that only the telling differs; a candidate is given up when it is truly worse by five.
const seeds = Number(process.argv[2] ?? 30);
const FIRST_SEED = 9000;
const CANDIDATES = 60;
const LOOKS = [20, 40, 60];

type Telling = {
  name: string;
  of(worse: { base: number; by: number; noise: number; sign: number; luck: number }): Partial<Trial>;
};
const estimate =
  (doubt: number): Telling['of'] =>
  ({ base, by, noise, sign, luck }) => ({
    value: base,
    state: 'censored',
    estimate: { value: base + sign * Math.max(0, by * (1 + doubt * luck)), sd: Math.max(noise, doubt * by) },
  });
const TELLINGS: Telling[] = [
  {
    name: 'measured in full (nothing given up)',
    of: ({ base, by, sign }) => ({ value: base + sign * by, n: 1, state: 'complete' }),
  },
  { name: 'an expectation, a tenth of the effect in doubt', of: estimate(0.1) },
  { name: 'an expectation, half of the effect in doubt', of: estimate(0.5) },
  { name: 'worse than its comparator', of: ({ base }) => ({ value: base, state: 'censored' }) },
  { name: 'a failure', of: () => ({ value: null, state: 'failed', failure: 'stopped_early' }) },
];

/** Percent of the baseline's distance to the optimum that is left at each look. */
function search(course: Course, seed: number, telling: Telling): number[] {
  const sign = course.goal === 'minimize' ? 1 : -1;
  const gap = Math.abs(course.baseValue - course.best.value) || 1;
  let [base, value] = [course.base, course.baseValue];
  const trials: Trial[] = [{ config: base, value, n: 3, state: 'complete' }];
  const tried = new Set([configKey(base)]);
  const left: number[] = [];
  for (let turn = 0; turn < CANDIDATES; turn++) {
    const { menu, constraints, goal, noiseSd } = course;
    const random = seededRandom(`turn ${course.name} ${seed} ${turn}`);
    const made = gpSampler({
      menu,
      constraints,
      base,
      trials,
      goal,
      random,
      noiseSd,
      exclude: (key) => tried.has(key),
    });
    if (made) {
      const config = { ...base, [made.knob]: made.newValue };
      const key = configKey(config);
      tried.add(key);
      const truth = course.measure(config);
      const luck = seededRandom(`noise ${course.name} ${seed} ${key}`);
      if ('failure' in truth) trials.push({ config, value: null, state: 'failed', failure: truth.failure });
      else if (sign * (truth.value - value) > 5 * noiseSd) {
        const by = sign * (truth.value + noiseSd * luck.normal() - value);
        const told = telling.of({ base: value, by, noise: noiseSd, sign, luck: luck.normal() });
        trials.push({ config, value: null, state: 'censored', ...told });
      } else {
        const measured = truth.value + noiseSd * luck.normal();
        trials.push({ config, value: measured, n: 1, state: 'complete' });
        if (sign * (value - measured) > 3 * noiseSd) [base, value] = [config, measured];
      }
    }
    const now = course.measure(base);
    left.push('value' in now ? (100 * Math.abs(now.value - course.best.value)) / gap : 100);
  }
  return LOOKS.map((look) => left[look - 1] as number);
}

function summary(values: number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return `${mean.toFixed(1)} ± ${(1.96 * Math.sqrt(variance / values.length)).toFixed(1)}`;
}

const courses = OBJECTIVES.map(prepare);
const out = (line: string) => process.stdout.write(`${line}\n`);
out(
  `${seeds} seeds from ${FIRST_SEED}, ${CANDIDATES} candidates; regret in percent, mean of the four objectives of bench:search; 95% intervals.\n`,
);
out(
  `| what the sampler is told | ${LOOKS.map((look) => `regret ${look}`).join(' | ')} | ${LOOKS.map((look) => `less "a failure" ${look}`).join(' | ')} |`,
);
out(`|${' --- |'.repeat(1 + 2 * LOOKS.length)}`);
const results = TELLINGS.map((telling) =>
  Array.from({ length: seeds }, (_, i) => {
    const each = courses.map((course) => search(course, FIRST_SEED + i, telling));
    return LOOKS.map((_look, k) => each.reduce((sum, regret) => sum + (regret[k] as number), 0) / each.length);
  }),
);
const failure = results.at(-1) as number[][];
for (const [i, { name }] of TELLINGS.entries()) {
  const rows = results[i] as number[][];
  const regrets = LOOKS.map((_look, k) => summary(rows.map((row) => row[k] as number)));
  const paired = LOOKS.map((_look, k) =>
    summary(rows.map((row, seed) => (row[k] as number) - (failure[seed]?.[k] as number))),
  );
  out(`| ${[name, ...regrets, ...paired].join(' | ')} |`);
}
