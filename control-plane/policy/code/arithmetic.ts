import { textMethod, type Constant } from './constant.js';

/** What is not known shows as a letter that no name has. */
export function shownAs(values: readonly Constant[]): readonly Constant[] {
  return values.length > 0 ? values : ['\0'];
}

export function listOf(value: Constant | undefined): Constant[] {
  return Array.isArray(value) ? value : typeof value === 'string' ? [...value] : [];
}

export function reversed(value: Constant | undefined): Constant | null {
  if (typeof value === 'string') return [...value].toReversed().join('');
  return Array.isArray(value) ? value.toReversed() : null;
}

export function itemAt(value: Constant | undefined, at: number): Constant | null {
  return Array.isArray(value) || typeof value === 'string' ? (value.at(at) ?? null) : null;
}

/** What an operator makes of two constants; null for what it does not take. */
export function computed(operator: string, a: Constant | undefined, b: Constant | undefined): Constant | null {
  if (operator === '%' && typeof a === 'string') return textMethod(a, '%', Array.isArray(b) ? b : [b as Constant]);
  if (operator === '*' && typeof a === 'string' && typeof b === 'number') return a.repeat(Math.max(0, Math.min(b, 64)));
  if (typeof a !== 'number' || typeof b !== 'number') return null;
  const made = {
    '-': a - b,
    '*': a * b,
    '/': a / b,
    '//': Math.floor(a / b),
    '**': a ** b,
    '%': a % b,
    '^': a ^ b,
    '<<': a * 2 ** b,
  }[operator];
  return made !== undefined && Number.isFinite(made) ? made : null;
}
