import type { KnobValue } from '@nightshift/protocol';

/** A figure in four significant digits, without trailing zeros. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6)
    ? value.toExponential(2).replace(/\.?0+e/, 'e')
    : String(Number(value.toPrecision(4)));
}

export function percent(share: number): string {
  const value = 100 * share;
  return `${value > 0 && value < 1 ? '<1' : value > 99 && value < 100 ? '>99' : Math.round(value)}%`;
}

export function change(knob: string, from: KnobValue | undefined, to: KnobValue): string {
  return `${knob} ${String(from)} -> ${String(to)}`;
}
