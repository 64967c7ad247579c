import {
  compileConstraints,
  configKey,
  defaultConfig,
  type CompiledConstraints,
  type Config,
  type Goal,
  type GuardSpec,
  type KnobValue,
  type Menu,
} from '@nightshift/protocol';
import { seededRandom } from '@nightshift/control-plane/search/random';
import { spaceOf, valueAt } from '@nightshift/control-plane/search/space';
import { gptSurrogate } from './objective-gpt.js';
import { ackleyMixed, braninMixed, hartmannMixed } from './objective-standard.js';

/** The metric without noise, or the reason why the configuration cannot be run. */
export type Measurement = { value: number } | { failure: string };

/** Something to optimise whose truth is known. */
export interface Objective {
  name: string;
  goal: Goal;
  menu: Menu;
  /** Sd of one measurement as a fraction of the baseline's metric. */
  relativeNoise: number;
  measure(config: Config): Measurement;
}

/** What a run may see of anything that it searches, be its truth known or not. */
export interface Work {
  name: string;
  goal: Goal;
  menu: Menu;
  constraints: CompiledConstraints;
  base: Config;
  /** One measurement, noise included: the nth (from 0) of this configuration in the race with this seed. */
  sample(config: Config, seed: number, nth: number): Measurement;
  /** What must not be broken to be kept, and what that same measurement reported of it. */
  guards?: readonly GuardSpec[];
  report?(config: Config, seed: number, nth: number): Record<string, number>;
}

/** An objective with what a race needs to know about it. */
export interface Course extends Objective, Work {
  baseValue: number;
  noiseSd: number;
  /** The best configuration that an exhaustive noise-free search found. */
  best: { config: Config; value: number };
}

export const OBJECTIVES: readonly Objective[] = [gptSurrogate, braninMixed, ackleyMixed, hartmannMixed];

const RESTARTS = 40;
const GRID = 40;

/** Every value worth trying for each knob when measuring is free. */
function allValues(menu: Menu): [string, KnobValue[]][] {
  return spaceOf(menu).axes.map((axis) => {
    const grid = () => Array.from({ length: GRID + 1 }, (_, i) => valueAt(axis, i / GRID));
    return [axis.name, axis.knob.choices ?? [...new Set(grid())]];
  });
}

/** Noise-free coordinate descent from many starts, with moves of one and of two knobs, on a grid that is then refined. */
function findBest(objective: Objective, base: Config, constraints: CompiledConstraints): Course['best'] {
  const random = seededRandom(`best of ${objective.name}`);
  const sign = objective.goal === 'minimize' ? 1 : -1;
  const cost = (config: Config): number => {
    const measured = objective.measure(config);
    return 'value' in measured ? sign * measured.value : Infinity;
  };
  const values = allValues(objective.menu);
  let best = { config: base, cost: cost(base) };
  for (let start = 0; start < RESTARTS; start++) {
    let config: Config =
      start === 0 ? base : Object.fromEntries(values.map(([name, all]) => [name, random.choice(all)]));
    let now = constraints.violations(config).length > 0 ? Infinity : cost(config);
    const take = (next: Config): boolean => {
      const value = cost(next);
      if (!(value < now) || constraints.violations(next).length > 0) return false;
      config = next;
      now = value;
      return true;
    };
    for (let moved = true; moved;) {
      moved = false;
      for (const [name, all] of values) for (const value of all) moved = take({ ...config, [name]: value }) || moved;
      for (let pair = 0; !moved && pair < 3000; pair++) {
        const [first, second] = [random.choice(values), random.choice(values)];
        moved = take({ ...config, [first[0]]: random.choice(first[1]), [second[0]]: random.choice(second[1]) });
      }
    }
    if (now < best.cost) best = { config, cost: now };
  }
  let { config, cost: now } = best;
  const ranges = spaceOf(objective.menu).axes.filter((axis) => axis.knob.range);
  for (let i = 0; i < 4000 && ranges.length > 0; i++) {
    const axis = random.choice(ranges);
    const at = axis.position(config[axis.name] as KnobValue) + random.normal() * 0.02;
    const next = { ...config, [axis.name]: valueAt(axis, at) };
    const value = cost(next);
    if (value < now && constraints.violations(next).length === 0) [config, now] = [next, value];
  }
  return { config, value: sign * now };
}

export function prepare(objective: Objective): Course {
  const base = defaultConfig(objective.menu);
  const constraints = compileConstraints(objective.menu);
  const measured = objective.measure(base);
  if (!('value' in measured)) throw new Error(`the defaults of ${objective.name} cannot be run: ${measured.failure}`);
  const noiseSd = objective.relativeNoise * Math.abs(measured.value);
  return {
    ...objective,
    constraints,
    base,
    baseValue: measured.value,
    noiseSd,
    best: findBest(objective, base, constraints),
    sample(config, seed, nth) {
      const exact = objective.measure(config);
      if ('failure' in exact) return exact;
      // The nth measurement of a configuration has the same noise for every contender of a seed.
      const luck = seededRandom(`noise ${objective.name} ${seed} ${configKey(config)} ${nth}`);
      return { value: exact.value + noiseSd * luck.normal() };
    },
  };
}
