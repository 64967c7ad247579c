import type { Config, KnobValue } from '@nightshift/protocol';
import { seededRandom, type Random } from '@nightshift/control-plane/search/random';
import { spaceOf, valueAt } from '@nightshift/control-plane/search/space';
import type { Course, Work } from './objectives.js';
import type { Situation } from './race.js';

/** How a simulated model behaves: made for one run, asked for one change at a time. `W` is what it needs to know of the work. */
export type Policy<W extends Work = Course> = (
  course: W,
  seed: string,
) => (situation: Situation) => { knob: string; value: KnobValue };

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
export const amnesiacPolicy: Policy<Work> = (course, seed) => {
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

/** How wrong a sensible model's picture is: sd of where it puts each knob's values, as shares of the knob's range. */
const SHIFT_SD = 0.12;
/** Sd of the logarithm of how much it overrates or underrates each knob. */
const RATING_SD = 0.7;
/** Share of the categories that it takes for another. */
const MIXED_UP = 0.25;
/** What a refuted and a confirmed idea do to its trust in a knob. */
const REFUTED = 0.5;
const CONFIRMED = 1.3;
const GRID = 24;

/**
 * A model with good priors that reads the table. Its picture of the objective is the truth seen through an error that it cannot know:
 * each knob shifted, each knob's worth misjudged, some categories mixed up. It proposes what its picture likes best from the current
 * base, never a measured configuration, trusts a knob less after a revert and more after a keep, and steps aside from what it tried.
 */
export const sensiblePolicy: Policy = (course, seed) => {
  const random = seededRandom(`sensible ${course.name} ${seed}`);
  const sign = course.goal === 'minimize' ? 1 : -1;
  const picture = spaceOf(course.menu).axes.map((axis) => {
    const choices = axis.knob.choices ?? Array.from({ length: GRID + 1 }, (_, i) => valueAt(axis, i / GRID));
    const shift = SHIFT_SD * random.normal();
    const swapped = axis.isCategory && random.uniform() < MIXED_UP ? random.shuffle(choices) : choices;
    const nearest = (at: number) =>
      choices.reduce((near, value) =>
        Math.abs(axis.position(value) - at) < Math.abs(axis.position(near) - at) ? value : near,
      );
    const imagine = (value: KnobValue): KnobValue => {
      if (axis.isCategory) return swapped[choices.indexOf(value)] ?? value;
      const at = Math.min(1, Math.max(0, axis.position(value) + shift));
      return axis.knob.range ? valueAt(axis, at) : nearest(at);
    };
    return { axis, choices, imagine, rating: Math.exp(RATING_SD * random.normal()) };
  });
  const imagined = (config: Config): number => {
    const seen = Object.fromEntries(
      picture.map(({ axis, imagine }) => [axis.name, imagine(config[axis.name] as KnobValue)]),
    );
    const measured = course.measure(seen);
    return 'value' in measured ? sign * measured.value : Infinity;
  };

  return (situation) => {
    const now = imagined(situation.base);
    let best = { knob: '', value: 0 as KnobValue, hope: -Infinity };
    for (const { axis, choices, rating } of picture) {
      let trust = rating;
      for (const step of situation.steps)
        if (step.knob === axis.name && step.outcome !== 'blocked')
          trust *= step.outcome === 'kept' ? CONFIRMED : REFUTED;
      for (const value of choices) {
        const config = { ...situation.base, [axis.name]: value };
        if (situation.base[axis.name] === value) continue;
        const gain = Number.isFinite(now) ? now - imagined(config) : 0;
        // Where its picture sees nothing to gain it still has to name something: the least loss on the knob it trusts most.
        const hope = (gain > 0 ? gain * trust : gain / Math.max(trust, 1e-6)) * (0.8 + 0.4 * random.uniform());
        if (hope <= best.hope || situation.isTried(config) || course.constraints.violations(config).length > 0)
          continue;
        best = { knob: axis.name, value, hope };
      }
    }
    if (best.knob !== '') return best;
    const { axis, choices } = random.choice(picture);
    return { knob: axis.name, value: random.choice(choices) };
  };
};
