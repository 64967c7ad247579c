import { configKey, type Config } from '@nightshift/protocol';
import { nextTurn, type ShareBounds, type Turn } from '@nightshift/control-plane/search/hybrid';
import type { Sampler } from '@nightshift/control-plane/search/sampler';
import { amnesiacPolicy, sensiblePolicy, type Policy } from './policies.js';
import type { Contender, Move, Situation } from './race.js';

/** Tries that a model gets in one turn before the sampler takes it, as in the loop. */
const TRIES = 3;
const BOUNDS: ShareBounds = { floor: 0.1, ceiling: 0.75 };

export function askSampler(sampler: Sampler, situation: Situation): Move | null {
  const { course, base, trials, random } = situation;
  const tried = new Set(trials.map((trial) => configKey(trial.config)));
  const found = sampler({
    menu: course.menu,
    constraints: course.constraints,
    base,
    trials,
    goal: course.goal,
    random,
    noiseSd: course.noiseSd,
    exclude: (key) => tried.has(key),
  });
  return found && { knob: found.knob, value: found.newValue, by: 'sampler' };
}

export function samplerContender(name: string, sampler: Sampler): Contender {
  return { name, start: () => (situation) => askSampler(sampler, situation) };
}

export function modelContender(name: string, policy: Policy, allowsRepeats: boolean): Contender {
  return {
    name,
    allowsRepeats,
    start: (course, seed) => {
      const think = policy(course, seed);
      return (situation) => ({ ...think(situation), by: 'model' });
    },
  };
}

/** Sampler and model take turns as the bandit says; three blocked tries of the model cost it the turn. */
export function hybridContender(
  name: string,
  sampler: Sampler,
  policy: Policy,
  bounds: ShareBounds = BOUNDS,
): Contender {
  return {
    name,
    start: (course, seed) => {
      const think = policy(course, seed);
      const lost: { at: number; turn: Turn }[] = [];
      return (situation) => {
        const turns: Turn[] = [];
        situation.steps.forEach((step, i) => {
          for (const { at, turn } of lost) if (at === i) turns.push(turn);
          turns.push({ proposer: step.by, gain: step.gain, measurements: step.measurements });
        });
        if (nextTurn(turns, bounds) === 'model') {
          for (let i = 0; i < TRIES; i++) {
            const move = think(situation);
            const config: Config = { ...situation.base, [move.knob]: move.value };
            const isLegal =
              situation.base[move.knob] !== move.value && course.constraints.violations(config).length === 0;
            if (isLegal && !situation.isTried(config)) return { ...move, by: 'model' };
          }
          lost.push({ at: situation.steps.length, turn: { proposer: 'model', gain: 0, measurements: 1 } });
        }
        return askSampler(sampler, situation);
      };
    },
  };
}

export { amnesiacPolicy, sensiblePolicy };
