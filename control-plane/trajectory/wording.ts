import type { KnobValue } from '@nightshift/protocol';
import { PATCH_KNOB } from './measurements.js';

/** A metric as people read it: six significant digits, no exponent where it can be helped. */
export function metricText(value: number | null): string {
  if (value === null) return 'unknown';
  if (!Number.isFinite(value)) return String(value);
  const text = Number(value.toPrecision(6)).toString();
  return text;
}

/** A fraction as a signed percentage: +0.93%. */
export function gainText(fraction: number | null): string {
  if (fraction === null) return 'unknown';
  const percent = fraction * 100;
  const digits = Math.abs(percent) >= 100 ? 0 : 2;
  return `${percent >= 0 ? '+' : '-'}${Math.abs(percent).toFixed(digits)}%`;
}

/** A share as a percentage without a sign: 72%. */
export function shareText(fraction: number | null): string {
  if (fraction === null) return 'unknown';
  const percent = fraction * 100;
  return `${Number.isInteger(Number(percent.toFixed(9))) ? percent.toFixed(0) : percent.toFixed(1)}%`;
}

/** Of a patch its value: the summary where there is one, else the beginning of a hash. */
export function pairText(knob: string | null, value: KnobValue | null): string {
  if (knob === PATCH_KNOB) return String(value);
  return knob === null ? 'not said' : `${knob}=${String(value)}`;
}

export function countText(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Text from outside made harmless for a terminal and for a table: no control characters, no line breaks, bounded. */
export function plainText(text: string, most = 200): string {
  const flat = text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ').trim();
  return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat;
}

/** Text for HTML and SVG, in content and in quoted attributes. */
export function escapeHtml(text: string): string {
  return plainText(text, 10_000)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Text for a cell of a Markdown table. */
export function escapeMarkdown(text: string): string {
  return plainText(text).replace(/[\\`*_{}[\]<>|#~!]/g, (mark) =>
    mark === '<' ? '&lt;' : mark === '>' ? '&gt;' : `\\${mark}`,
  );
}
