import type { Config } from '@nightshift/protocol';
import type { SuggestInput } from './sampler.js';
import { spaceOf } from './space.js';
import { fitSurrogate, signOf } from './surrogate.js';

type FrontInput = Pick<SuggestInput, 'menu' | 'base' | 'trials' | 'goal' | 'noiseSd'>;

/**
 * The configuration that the next change is made to: of all that were measured, the one that is believed best, proven or not. It
 * has to have measured better than `base`, what candidates are compared with, and to be expected better after the surrogate has
 * shrunken its luck away; else it is `base` itself. So gains that noise hides one by one are stacked and proven together.
 */
export function frontOf(input: FrontInput): Config {
  return frontsOf(input)[0] ?? input.base;
}

/** All that may be the front, best first; none where the base is believed best. */
export function frontsOf(input: FrontInput): Config[] {
  const sign = signOf(input.goal);
  const space = spaceOf(input.menu);
  const isBase = (config: Config) => space.axes.every(({ name }) => config[name] === input.base[name]);
  const mine = input.trials.find((trial) => trial.state === 'complete' && isBase(trial.config))?.value;
  if (mine === undefined || mine === null) return [];
  const better = input.trials.filter(
    ({ state, value, config }) =>
      state === 'complete' && value !== null && Number.isFinite(value) && sign * (value - mine) < 0 && !isBase(config),
  );
  const surrogate = better.length > 0 ? fitSurrogate(space, input) : null;
  if (!surrogate) return [];
  return better
    .map(({ config }) => ({ config, expected: surrogate.at(config).mean }))
    .filter(({ expected }) => expected < surrogate.base.mean)
    .sort((a, b) => a.expected - b.expected)
    .map(({ config }) => config);
}
