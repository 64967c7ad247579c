import { configKey, type Config, type KnobValue } from '@nightshift/protocol';
import type { SuggestInput } from './sampler.js';
import { type Axis, type Space, valueAt } from './space.js';

/** A single-knob change of the base; `axis` is the knob's index in the space, `position` its encoded new value. */
export interface Candidate {
  axis: number;
  knob: string;
  value: KnobValue;
  position: number;
}

/** A range is cut into this many strata, each visited at a random place: fine enough that a stratum's ends differ little. */
const STRATA = 14;
/** Steps around the base, as shares of the range: what a refinement needs once the right region is known. */
const STEPS = [0.015, 0.04, 0.1];
/** Whole-number ranges up to this size are listed in full. */
const LISTED_INTS = 24;
/** Draws and values looked at before a wide range counts as used up. */
const LAST_TRIES = 400;

function rangeValues(axis: Axis, base: number, input: SuggestInput): number[] {
  const [low, high] = axis.knob.range as [number, number];
  if (axis.knob.type === 'int' && high - low < LISTED_INTS)
    return Array.from({ length: high - low + 1 }, (_, i) => low + i);
  const positions = Array.from({ length: STRATA }, (_, i) => (i + input.random.uniform()) / STRATA);
  positions.push(0, 1);
  for (const step of STEPS) positions.push(base - step, base + step);
  return positions.filter((u) => u >= 0 && u <= 1).map((u) => valueAt(axis, u));
}

/** Single-knob changes of the base, none equal to it: all choices, and for ranges a stratified set. Legality is not tested here. */
export function singleKnobChanges(space: Space, input: SuggestInput): Candidate[] {
  const out: Candidate[] = [];
  const seen = new Set<KnobValue>();
  space.axes.forEach((axis, index) => {
    const current = input.base[axis.name] as KnobValue;
    const values = axis.knob.choices ?? rangeValues(axis, axis.position(current), input);
    seen.clear();
    for (const value of values) {
      if (value === current || seen.has(value)) continue;
      seen.add(value);
      out.push({ axis: index, knob: axis.name, value, position: axis.position(value) });
    }
  });
  return out;
}

/** True when the changed configuration breaks no constraint, is not excluded and is not the base. */
export function isLegal(input: SuggestInput, knob: string, value: KnobValue): boolean {
  if (input.base[knob] === value) return false;
  const config: Config = { ...input.base, [knob]: value };
  return !input.exclude(configKey(config)) && input.constraints.violations(config).length === 0;
}

/** The first legal candidate in the given order. Constraints are evaluated only until one is found: CEL is the slow part. */
export function firstLegal<T extends Candidate>(input: SuggestInput, ordered: Iterable<T>): T | null {
  for (const candidate of ordered) if (isLegal(input, candidate.knob, candidate.value)) return candidate;
  return null;
}

/**
 * A legal change when the usual candidates are used up: choices and whole-number ranges of up to 4,096 values are looked through
 * in full, wider ranges by 400 draws, so that null is certain for finite menus and very probable otherwise.
 */
export function lastResort(space: Space, input: SuggestInput): Candidate | null {
  for (const index of input.random.shuffle(space.axes.map((_, i) => i))) {
    const axis = space.axes[index] as Axis;
    const { range, type, choices } = axis.knob;
    let values: KnobValue[];
    if (!range) values = choices ?? [];
    else if (type === 'int' && range[1] - range[0] < 4096)
      values = Array.from({ length: range[1] - range[0] + 1 }, (_, i) => range[0] + i);
    else values = Array.from({ length: LAST_TRIES }, () => valueAt(axis, input.random.uniform()));
    const found = firstLegal(
      input,
      input.random
        .shuffle(values)
        .map((value) => ({ axis: index, knob: axis.name, value, position: axis.position(value) })),
    );
    if (found) return found;
  }
  return null;
}
