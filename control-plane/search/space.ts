import type { Config, Knob, KnobValue, Menu } from '@nightshift/protocol';

/** A knob as a coordinate. Ordered axes place values in [0, 1]; on a category axis only equal or different counts. */
export interface Axis {
  name: string;
  knob: Knob;
  isCategory: boolean;
  /** Position in [0, 1] on an ordered axis, the choice's index on a category axis; -1 for a value that is not on the menu. */
  position(value: KnobValue): number;
  /** Squared distance of two positions: at most 1. */
  distance2(a: number, b: number): number;
}

export interface Space {
  axes: Axis[];
  encode(config: Config): Float64Array;
}

/** A numeric list is spread over [0, 1] by logarithm when its values span a factor of four, linearly otherwise. */
function orderedChoices(values: number[]): (value: number) => number {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const isLog = low > 0 && high / low >= 4;
  return unitScale(low, high, isLog);
}

function unitScale(low: number, high: number, isLog: boolean): (value: number) => number {
  const at = isLog ? Math.log : (value: number) => value;
  const from = at(low);
  const width = at(high) - from;
  return (value) => (width === 0 ? 0.5 : (at(value) - from) / width);
}

function axisOf(name: string, knob: Knob): Axis {
  const ordered = { isCategory: false, distance2: (a: number, b: number) => (a - b) * (a - b) };
  if (knob.range) {
    const unit = unitScale(knob.range[0], knob.range[1], knob.scale === 'log');
    return { name, knob, ...ordered, position: (value) => unit(Number(value)) };
  }
  const choices = knob.choices ?? [];
  if (choices.every((choice) => typeof choice === 'number')) {
    const unit = orderedChoices(choices);
    return { name, knob, ...ordered, position: (value) => unit(Number(value)) };
  }
  return {
    name,
    knob,
    isCategory: true,
    position: (value) => choices.indexOf(value),
    distance2: (a, b) => (a === b ? 0 : 1),
  };
}

/** The menu as a space of one coordinate a knob, in the menu's order. */
export function spaceOf(menu: Menu): Space {
  const axes = Object.entries(menu.knobs).map(([name, knob]) => axisOf(name, knob));
  return {
    axes,
    // An older trial may lack a knob that the menu has gained since: the default is what it ran with.
    encode: (config) => Float64Array.from(axes, (axis) => axis.position(config[axis.name] ?? axis.knob.default)),
  };
}

/** The legal value of a range knob nearest to a position, in as few digits as keep it within 1/500 of the range. */
export function valueAt(axis: Axis, position: number): number {
  const [low, high] = axis.knob.range as [number, number];
  const u = Math.min(1, Math.max(0, position));
  const isLog = axis.knob.scale === 'log';
  const exact = isLog ? Math.exp(Math.log(low) + u * (Math.log(high) - Math.log(low))) : low + u * (high - low);
  const clip = (value: number) => Math.min(high, Math.max(low, value));
  if (axis.knob.type === 'int') return clip(Math.round(exact));
  for (let digits = 2; digits < 15; digits++) {
    const rounded = clip(Number(exact.toPrecision(digits)));
    if (Math.abs(axis.position(rounded) - u) <= 0.002) return rounded;
  }
  return clip(exact);
}
