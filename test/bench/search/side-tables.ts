import { gpSampler } from '@nightshift/control-plane/search/gp-sampler';
import { randomSampler } from '@nightshift/control-plane/search/random-sampler';
import { simulateNight } from '../early-stop/simulate.js';
import { WORLDS } from '../early-stop/worlds.js';
import { samplerContender } from './contenders.js';
import { CONFIDENCE, naiveRule, ourRule } from './keep-rule.js';
import { gptSurrogate } from './objective-gpt.js';
import { prepare } from './objectives.js';
import { race } from './race.js';
import { markdown, show } from './report.js';
import { estimate } from './statistics.js';

/** Races where no configuration differs from the baseline: whatever is kept there is kept by luck. */
export function pureNoiseTable(seeds: number, firstSeed: number, budget: number): string {
  const level = prepare(gptSurrogate).baseValue;
  const course = prepare({ ...gptSurrogate, name: 'pure noise', measure: () => ({ value: level }) });
  const lines = [
    samplerContender('random', randomSampler, naiveRule),
    samplerContender('random', randomSampler, ourRule),
    samplerContender('gp', gpSampler, naiveRule),
    samplerContender('gp', gpSampler, ourRule),
  ].map((contender) => {
    const count = contender.name === 'random' ? 10 * seeds : seeds;
    const results = Array.from({ length: count }, (_, i) => race(contender, course, firstSeed + i, budget));
    const keeps = results.map(({ falseKeeps }) => falseKeeps);
    return [
      `${contender.name}, ${contender.rule.name} rule`,
      String(count),
      show(estimate(keeps), 2),
      `${((100 * keeps.filter((n) => n > 0).length) / count).toFixed(1)}%`,
      contender.rule === ourRule ? (1 - CONFIDENCE).toFixed(2) : 'none',
    ];
  });
  return markdown(['sampler and rule', 'seeds', 'false keeps a run', 'runs with any', 'budget'], lines);
}

const CANDIDATES = 50;

/** The default rule of control-plane/decision/early-stop.ts against none, on the same nights; all rules: test/bench/early-stop/main.ts. */
export function earlyStopTable(seeds: number): string {
  const lines = WORLDS.map((world) => {
    const nights = (isStopping: boolean) =>
      Array.from({ length: seeds }, (_, i) =>
        simulateNight(
          world,
          isStopping ? { kind: 'ours', rule: 'envelope', after: 0.3 } : { kind: 'none' },
          i + 1,
          CANDIDATES,
        ),
      );
    const [full, stopping] = [nights(false), nights(true)];
    const pair = (of: (i: number) => number) => show(estimate(full.map((_, i) => of(i))), 2);
    return [
      world.name,
      pair((i) => 100 * (1 - (stopping[i]?.gpuSeconds ?? 0) / (full[i]?.gpuSeconds ?? 1))),
      pair((i) => 100 * ((stopping[i]?.quality ?? 0) / (full[i]?.quality ?? 1) - 1)),
    ];
  });
  return markdown(['curves', 'GPU time saved, %', 'final metric lost, %'], lines);
}
