import type { KnobValue } from '@nightshift/protocol';
import { seededRandom, type Random } from '@nightshift/control-plane/search/random';
import { spaceOf, valueAt, type Axis } from '@nightshift/control-plane/search/space';
import type { Course } from './objectives.js';
import type { Situation } from './race.js';

/** How a simulated model behaves: made for one run, asked for one change at a time. */
export type Policy = (course: Course, seed: string) => (situation: Situation) => { knob: string; value: KnobValue };

/** Counts of the published night: 24 of 50 proposals for the width, 15 for the heads, seven knobs never. */
const NIGHT: [string, number][] = [
  ['d_model', 24],
  ['n_head', 15],
  ['d_ff', 5],
  ['lr', 2],
  ['beta1', 2],
  ['beta2', 2],
];
const WINDOW = 5;

function weighted<T>(random: Random, items: readonly (readonly [T, number])[]): T {
  let left = random.uniform() * items.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [item, weight] of items) {
    left -= weight;
    if (left < 0) return item;
  }
  return (items.at(-1) as readonly [T, number])[0];
}

/**
 * A model that sees its last five iterations only and loves two knobs: it avoids the pairs in its window, and each knob has three
 * favourite values, so that it measures the same few ideas again and again. On other menus the first six knobs play the night's part.
 */
export const amnesiacPolicy: Policy = (course, seed) => {
  const random = seededRandom(`amnesiac ${course.name} ${seed}`);
  const names = Object.keys(course.menu.knobs);
  const loved = NIGHT.every(([name]) => names.includes(name))
    ? NIGHT
    : NIGHT.slice(0, names.length - 1).map(([, weight], i): [string, number] => [names[i] as string, weight]);
  const favourites = new Map<string, [KnobValue, number][]>();
  for (const axis of spaceOf(course.menu).axes) {
    const fallback = course.base[axis.name] as KnobValue;
    const values = axis.knob.choices
      ? random.shuffle(axis.knob.choices.filter((value) => value !== fallback)).slice(0, 3)
      : [0.15, -0.15, 0.3].map((step) => valueAt(axis, axis.position(fallback) + step));
    const known: KnobValue[] =
      axis.name === 'd_model' ? [1536, 768, 512] : axis.name === 'n_head' ? [32, 8, 4] : values;
    favourites.set(
      axis.name,
      known.map((value, i) => [value, [10, 7, 2][i] ?? 1]),
    );
  }
  return (situation) => {
    const recent = situation.steps.slice(-WINDOW);
    let pick = { knob: '', value: 0 as KnobValue };
    for (let i = 0; i < 20; i++) {
      const knob = weighted(random, loved);
      pick = { knob, value: weighted(random, favourites.get(knob) ?? []) };
      const isRecent = recent.some(
        (step) => step.knob === pick.knob && step.outcome !== 'blocked' && step.config[knob] === pick.value,
      );
      if (!isRecent && situation.base[knob] !== pick.value) return pick;
    }
    return pick;
  };
};

/** Sd of a sensible model's guess at the best position of a knob, and how many knobs it has an opinion on. */
const GUESS_SD = 0.15;
const OPINIONS = 0.75;
const RIGHT_CATEGORY = 0.7;

function guess(axis: Axis, course: Course, random: Random): KnobValue | null {
  if (random.uniform() > OPINIONS) return null;
  const truth = course.best.config[axis.name] as KnobValue;
  const choices = axis.knob.choices ?? [];
  if (axis.isCategory) return random.uniform() < RIGHT_CATEGORY ? truth : random.choice(choices);
  const at = axis.position(truth) + GUESS_SD * random.normal();
  if (axis.knob.range) return valueAt(axis, at);
  const off = (value: KnobValue) => Math.abs(axis.position(value) - at);
  return choices.reduce((near, value) => (off(value) < off(near) ? value : near));
}

/**
 * A model with good priors that reads the table: it starts with its guesses, most promising knob first, never asks for a measured
 * configuration, and then refines by steps that go on where they helped and shrink where they did not. Its guesses are blurred truth.
 */
export const sensiblePolicy: Policy = (course, seed) => {
  const random = seededRandom(`sensible ${course.name} ${seed}`);
  const { axes } = spaceOf(course.menu);
  const opinions = axes
    .map((axis) => {
      const value = guess(axis, course, random);
      const measured = course.measure({ ...course.base, [axis.name]: course.best.config[axis.name] as KnobValue });
      const gain = 'value' in measured ? Math.abs(measured.value - course.baseValue) : 0;
      return { axis, value, promise: gain * Math.exp(0.8 * random.normal()) };
    })
    .sort((a, b) => b.promise - a.promise);
  const told = new Set<string>();

  return (situation) => {
    const usable = (knob: string, value: KnobValue) => {
      if (situation.base[knob] === value) return false;
      const config = { ...situation.base, [knob]: value };
      return course.constraints.violations(config).length === 0 && !situation.isTried(config);
    };
    for (const { axis, value } of opinions) {
      if (value === null || told.has(axis.name)) continue;
      told.add(axis.name);
      if (usable(axis.name, value)) return { knob: axis.name, value };
    }
    for (let attempt = 0; attempt < 60; attempt++) {
      const axis = weighted(
        random,
        opinions.map(({ axis }, i) => [axis, 1 / (i + 2)] as const),
      );
      const mine = situation.steps.filter((step) => step.knob === axis.name && step.outcome !== 'blocked');
      const last = mine.at(-1);
      const misses = mine.slice(-4).filter((step) => step.outcome !== 'kept').length;
      if (!axis.knob.range) {
        const value = random.choice(axis.knob.choices ?? []);
        if (usable(axis.name, value)) return { knob: axis.name, value };
        continue;
      }
      const here = axis.position(situation.base[axis.name] as KnobValue);
      const went = last ? Math.sign(axis.position(last.config[axis.name] as KnobValue) - here) : 0;
      const direction = last && went !== 0 && last.outcome !== 'kept' ? -went : random.choice([-1, 1]);
      const value = valueAt(axis, here + direction * 0.15 * 0.6 ** misses * (0.5 + random.uniform()));
      if (usable(axis.name, value)) return { knob: axis.name, value };
    }
    const axis = random.choice(axes);
    return {
      knob: axis.name,
      value: axis.knob.range ? valueAt(axis, random.uniform()) : random.choice(axis.knob.choices ?? []),
    };
  };
};
