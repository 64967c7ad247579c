import { configKey, type Config } from '@nightshift/protocol';
import { isCoverageDue } from '@nightshift/control-plane/search/coverage';
import { ASKS, leastPromise, nextTurn, type ShareBounds, type Turn } from '@nightshift/control-plane/search/hybrid';
import type { Sampler, SuggestInput } from '@nightshift/control-plane/search/sampler';
import { weighChange } from '@nightshift/control-plane/search/weigh-change';
import { ourRule, type KeepRule } from './keep-rule.js';
import type { Work } from './objectives.js';
import { amnesiacPolicy, sensiblePolicy, type Policy } from './policies.js';
import type { Contender, Move, Situation } from './race.js';

/** Tries that a model gets in one turn before the sampler takes it, as in the loop. */
const TRIES = 3;
/** Iterations that the prompt tells in full, and with them what was outweighed. */
const TOLD = 10;
/** As in the loop, with the share that the spec has when it names none. */
const BOUNDS: ShareBounds = { floor: 0.1, ceiling: 0.8, start: 0.3 };

function searchInput({ course, base, incumbent, trials, random, noiseSd }: Situation): SuggestInput {
  const tried = new Set(trials.map((trial) => configKey(trial.config)));
  return {
    menu: course.menu,
    constraints: course.constraints,
    base,
    comparator: incumbent,
    trials,
    goal: course.goal,
    random,
    noiseSd,
    exclude: (key) => tried.has(key),
  };
}

function askSampler(sampler: Sampler, situation: Situation): Move | null {
  const found = sampler(searchInput(situation));
  return found && { knob: found.knob, value: found.newValue, by: 'sampler' };
}

export function samplerContender(
  name: string,
  sampler: Sampler,
  rule: KeepRule = ourRule,
  stacks = true,
): Contender<Work> {
  return { name, rule, stacks, start: () => (situation) => askSampler(sampler, situation) };
}

export function modelContender<W extends Work>(name: string, policy: Policy<W>, allowsRepeats: boolean): Contender<W> {
  return {
    name,
    rule: ourRule,
    allowsRepeats,
    // The published night's loop knows one configuration only.
    stacks: !allowsRepeats,
    start: (course, seed) => {
      const think = policy(course, seed);
      return (situation) => ({ ...think(situation), by: 'model' });
    },
  };
}

/** Sampler and model take turns as the bandit says; a turn that the gate or the sampler takes from the model is the sampler's. */
export function hybridContender<W extends Work>(
  name: string,
  sampler: Sampler,
  policy: Policy<W>,
  bounds: ShareBounds = BOUNDS,
): Contender<W> {
  return {
    name,
    rule: ourRule,
    start: (course, seed) => {
      const think = policy(course, seed);
      const turns: Turn[] = [];
      let counted = 0;
      const outweighed: { key: string; at: number }[] = [];
      return (situation) => {
        for (const step of situation.steps.slice(counted))
          turns.push({
            proposer: step.by,
            gain: step.gain,
            measurements: step.measurements,
            key: configKey(step.config),
          });
        counted = situation.steps.length;
        if (nextTurn(turns, bounds) === 'model' && !isCoverageDue(searchInput(situation))) {
          for (let ask = 0; ask < ASKS; ask++) {
            const now = situation.steps.length;
            const told = new Set(outweighed.filter(({ at }) => now - at < TOLD).map(({ key }) => key));
            const move = askModel(think, situation, told);
            if (!move) break;
            const weighing = weighChange(searchInput(situation), { knob: move.knob, newValue: move.value }, turns);
            if (!weighing || weighing.promise >= leastPromise(turns)) return { ...move, by: 'model' };
            outweighed.push({ key: configKey({ ...situation.base, [move.knob]: move.value }), at: now });
          }
          turns.push({ proposer: 'model', gain: 0, measurements: 0 });
        }
        return askSampler(sampler, situation);
      };
    },
  };
}

/** @param told what a model that reads its prompt leaves alone beside what was tried: the rails refuse the latter only. */
function askModel(
  think: ReturnType<Policy<Work>>,
  situation: Situation,
  told: ReadonlySet<string>,
): ReturnType<typeof think> | null {
  const { course, base } = situation;
  const isTried = (config: Config) => situation.isTried(config) || told.has(configKey(config));
  for (let i = 0; i < TRIES; i++) {
    const move = think({ ...situation, isTried });
    const config: Config = { ...base, [move.knob]: move.value };
    const isLegal = base[move.knob] !== move.value && course.constraints.violations(config).length === 0;
    if (isLegal && !situation.isTried(config)) return move;
  }
  return null;
}

export { amnesiacPolicy, sensiblePolicy };
