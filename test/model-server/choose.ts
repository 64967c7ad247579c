import { compileConstraints, knobValueProblem, type Knob, type KnobValue } from '@nightshift/protocol';
import type { Pair, PromptView } from './read-prompt.js';

/** A seeded generator of numbers in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Where a value lies in its knob, 0 to 1: by its scale, or by its place among the choices. */
function unit(knob: Knob, value: KnobValue): number {
  if (knob.choices) return knob.choices.indexOf(value) / Math.max(1, knob.choices.length - 1);
  const [low, high] = knob.range as [number, number];
  if (knob.scale === 'log') return Math.log((value as number) / low) / Math.log(high / low);
  return ((value as number) - low) / (high - low);
}

/** Values worth proposing: every choice, or a grid over the range. */
function gridOf(knob: Knob, steps: number): KnobValue[] {
  if (knob.choices) return knob.choices;
  const [low, high] = knob.range as [number, number];
  const values = Array.from({ length: steps }, (_, i) => {
    const share = i / (steps - 1);
    const value = knob.scale === 'log' ? low * (high / low) ** share : low + (high - low) * share;
    return knob.type === 'int' ? Math.round(value) : Math.min(high, Math.max(low, Number(value.toPrecision(3))));
  });
  return [...new Set(values)];
}

/** Every legal change of one knob on a grid that differs from the present configuration and breaks no constraint. */
function legalChanges(view: PromptView, steps: number): Pair[] {
  const { violations } = compileConstraints(view.menu);
  return Object.entries(view.menu.knobs).flatMap(([name, knob]) =>
    gridOf(knob, steps)
      .filter((value) => value !== view.now[name] && knobValueProblem(knob, value) === null)
      .filter((value) => violations({ ...view.now, [name]: value }).length === 0)
      .map((value) => ({ knob: name, value })),
  );
}

/**
 * A sensible model: knobs never tried first, then near the best of what helped, away from what failed, and never
 * what the table says was measured on this configuration. Null when nothing is left to propose.
 */
export function chooseSensibly(view: PromptView, random: () => number): (Pair & { reason: string }) | null {
  const isBarred = (pair: Pair) =>
    [...view.barred, ...view.rows.filter((row) => row.isRepeat)].some(
      (old) => old.knob === pair.knob && old.value === pair.value,
    );
  let best: (Pair & { reason: string; score: number }) | null = null;
  for (const pair of legalChanges(view, 17)) {
    if (isBarred(pair)) continue;
    const knob = view.menu.knobs[pair.knob] as Knob;
    const at = unit(knob, pair.value);
    const step = Math.abs(at - unit(knob, view.now[pair.knob] ?? knob.default));
    const rows = view.rows.filter((row) => row.knob === pair.knob);
    let score: number;
    let reason: string;
    if (rows.length === 0) {
      score = 2 - Math.abs(step - 0.25);
      reason = `${pair.knob} was never tried; a moderate step shows which way it goes.`;
    } else {
      const good = rows.reduce((a, b) => ((b.effect ?? -1) > (a.effect ?? -1) ? b : a));
      const near = Math.abs(at - unit(knob, good.value));
      const gap = Math.min(...rows.map((row) => Math.abs(at - unit(knob, row.value))));
      const hasFailed = rows.some((row) => /failed/.test(row.outcome) && Math.abs(at - unit(knob, row.value)) < 0.15);
      score = Math.max(-1, Math.min(1.5, (good.effect ?? 0) * 100)) + gap - 0.5 * near - (hasFailed ? 3 : 0);
      reason = `the best of ${pair.knob} so far is ${JSON.stringify(good.value)}; this looks beside it where nothing was measured.`;
    }
    score += random() * 0.05;
    if (best === null || score > best.score) best = { ...pair, reason, score };
  }
  return best && { knob: best.knob, value: best.value, reason: best.reason };
}

/** A model that sees five iterations only and loves width and heads: what it forgot it proposes again. */
export function chooseForgetfully(view: PromptView, random: () => number): (Pair & { reason: string }) | null {
  const names = Object.keys(view.menu.knobs);
  const liked = names.filter((name) => /model|width|hidden|embd?|dim|units|heads?$/i.test(name));
  const favourites = (liked.length > 0 ? liked : names).slice(0, 2);
  const others = names.filter((name) => !favourites.includes(name)).slice(0, 4);
  const pool = random() < 0.85 || others.length === 0 ? favourites : others;
  const window = view.recent.slice(-5);
  const changes = legalChanges(view, 4).filter((pair) => pool.includes(pair.knob));
  const fresh = changes.filter((pair) => !window.some((old) => old.knob === pair.knob && old.value === pair.value));
  const from = fresh.length > 0 ? fresh : changes.length > 0 ? changes : legalChanges(view, 4);
  const pair = from[Math.floor(random() * from.length)];
  return pair ? { ...pair, reason: `More ${pair.knob} capacity should help the model.` } : null;
}
