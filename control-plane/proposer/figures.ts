import type { Config, GuardReading, KnobValue, MetricPoint, Proposal } from '@nightshift/protocol';
import { quoteData, quoteName } from './quote.js';

/** Six significant digits, the way people write them; `?` for what is not known. */
export function showNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '?';
  return String(Number(value.toPrecision(6)));
}

/** A fraction as a signed percentage, such as +0.41%; `?` for what is not known. */
export function showPercent(fraction: number | null | undefined): string {
  if (fraction === null || fraction === undefined || !Number.isFinite(fraction)) return '?';
  const text = (fraction * 100).toFixed(2);
  return Number(text) === 0 ? '0.00%' : `${fraction > 0 ? '+' : ''}${text}%`;
}

/** A share in two decimals, such as 0.41; what is below a hundredth as `under 0.01`; `?` for what is not known. */
export function showShare(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return '?';
  return share > 0 && share < 0.01 ? 'under 0.01' : String(Number(share.toFixed(2)));
}

/** A knob's value as JSON; text is bounded and its table separator escaped. */
export function showValue(value: KnobValue): string {
  return typeof value === 'string' ? quoteData(value, 200).replaceAll('|', '\\u007c') : JSON.stringify(value);
}

/** The settings of `config` that differ from `from`, as `a=1 b=2`; the first `max`, then how many more. */
export function showDifference(from: Config, config: Config, except: string, max = 3): string {
  const names = Object.keys(config)
    .filter((name) => name !== except && config[name] !== from[name])
    .sort();
  const shown = names.slice(0, max).map((name) => `${name}=${showValue(config[name] as KnobValue)}`);
  return [...shown, ...(names.length > max ? [`+${names.length - max} more`] : [])].join(' ');
}

/** One line on a training curve: five values spread over it, the best, and how it moved in its last tenth. */
export function summariseCurve(points: readonly MetricPoint[]): string | null {
  const finite = points.filter((point) => Number.isFinite(point.value));
  const first = finite[0];
  const last = finite.at(-1);
  if (!first || !last || finite.length < 2) return null;
  const at = (share: number) => finite[Math.round(share * (finite.length - 1))]?.value;
  const values = finite.map((point) => point.value);
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const before = at(0.9) ?? last.value;
  const slope = before === 0 ? null : (last.value - before) / Math.abs(before);
  const lost = points.length - finite.length;
  return (
    `${finite.length} points: ${[0, 0.25, 0.5, 0.75, 1].map((share) => showNumber(at(share))).join(' > ')}` +
    `; lowest ${showNumber(low)}, highest ${showNumber(high)}; last tenth ${showPercent(slope)}` +
    (lost > 0 ? `; ${lost} not finite` : '')
  );
}

/** A limit such as `peak_gb at most 40`. */
export function showLimit({ name, bound, limit }: Omit<GuardReading, 'value'>): string {
  return `${quoteName(name)} ${bound === 'max' ? 'at most' : 'at least'} ${showNumber(limit)}`;
}

/** A broken limit with what was measured. */
export function showBroken(reading: GuardReading): string {
  const value = reading.value === null ? 'not reported' : showNumber(reading.value);
  return `${quoteName(reading.name)} ${value}, ${reading.bound === 'max' ? 'above' : 'below'} ${showNumber(reading.limit)}`;
}

/** A cause of failure or a rail: plain words as they are, anything else quoted. */
export function showCause(cause: string): string {
  return /^[a-z][a-z0-9_]{0,39}$/.test(cause) ? cause : quoteData(cause, 120).replaceAll('|', '\\u007c');
}

export function showPair(proposal: Proposal): string {
  return `${quoteName(proposal.knob)}=${showValue(proposal.newValue)}`;
}
