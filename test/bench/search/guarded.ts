import { configKey, type Config, type GuardSpec } from '@nightshift/protocol';
import { gpSampler } from '@nightshift/control-plane/search/gp-sampler';
import { seededRandom } from '@nightshift/control-plane/search/random';
import type { Sampler } from '@nightshift/control-plane/search/sampler';
import { samplerContender } from './contenders.js';
import { gptSurrogate, parametersOf } from './objective-gpt.js';
import { prepare, type Course, type Objective } from './objectives.js';
import { race } from './race.js';
import { markdown, regretAt, show } from './report.js';
import { estimate } from './statistics.js';

/** A guard, what it reads without noise, and the noise of one reading as a fraction. */
interface Guarded {
  guard: GuardSpec;
  truth: (config: Config) => number;
  relativeNoise: number;
}

const none = { max: null, min: null, maxRegression: null, goal: 'minimize' } as const;

/** Where the metric pulls against the guard: the unguarded optimum has 35 million weights and three times the rate of the defaults. */
const GUARDED: readonly Guarded[] = [
  {
    guard: { ...none, name: 'parameters_m', min: 150 },
    truth: (config) => parametersOf(config) / 1e6,
    relativeNoise: 0,
  },
  {
    // A loss on other text: small models and high rates lose more there.
    guard: { ...none, name: 'other_loss', max: 3.03 },
    truth: (config) =>
      2 + (parametersOf(config) / 302e6) ** -0.06 + 0.05 * Math.max(0, Math.log(Number(config['lr']) / 3e-4)) ** 2,
    relativeNoise: 0.002,
  },
];

/** The surrogate of a training with one guard; regret is among the configurations that truly hold it. */
function guardedCourse({ guard, truth, relativeNoise }: Guarded): Course {
  const isHeld = (config: Config) =>
    (guard.max === null || truth(config) <= guard.max) && (guard.min === null || truth(config) >= guard.min);
  const within: Objective = {
    ...gptSurrogate,
    measure: (config) => (isHeld(config) ? gptSurrogate.measure(config) : { failure: 'guard' }),
  };
  return {
    ...prepare(gptSurrogate),
    best: prepare(within).best,
    guards: [guard],
    report: (config, seed, nth) => {
      const luck = seededRandom(`guard ${guard.name} ${seed} ${configKey(config)} ${nth}`);
      return { [guard.name]: truth(config) * (1 + relativeNoise * luck.normal()) };
    },
  };
}

/** The sampler as it was before it learned from guards. */
const blind: Sampler = (input) =>
  gpSampler({ ...input, trials: input.trials.map((trial) => ({ ...trial, guards: undefined })) });

const AT = [25, 50, 100] as const;

/** The sampler with and without the sight of the guard that its candidates are judged by, on the same seeds. */
export function guardTable(seeds: number, firstSeed: number, budget: number): string {
  const lines = GUARDED.flatMap((guarded) => {
    const course = guardedCourse(guarded);
    const run = (name: string, sampler: Sampler) =>
      Array.from({ length: seeds }, (_, i) => race(samplerContender(name, sampler), course, firstSeed + i, budget));
    const [before, after] = [run('unseen', blind), run('seen', gpSampler)];
    const { name, min, max } = guarded.guard;
    const row = (sight: string, of: (pick: (result: (typeof before)[number]) => number) => number[]) => [
      `${name} ${min === null ? `at most ${max}` : `at least ${min}`}, ${sight}`,
      String(seeds),
      show(estimate(of(({ guardBreaks }) => (100 * guardBreaks) / budget))),
      ...AT.map((at) => show(estimate(of((result) => regretAt(result, at))))),
    ];
    return [
      row('unseen', (pick) => before.map(pick)),
      row('seen', (pick) => after.map(pick)),
      row('seen - unseen', (pick) => after.map((result, i) => pick(result) - pick(before[i] as typeof result))),
    ];
  });
  return markdown(['guard', 'seeds', 'broken by, of 100 measurements', ...AT.map((at) => `regret ${at}`)], lines);
}
