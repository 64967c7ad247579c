import type { FieldError } from './errors.js';

const MAX_ERRORS = 20;
const MESSAGE = 'contains a NUL character or half of a surrogate pair';

/** Postgres stores neither NUL nor half of a surrogate pair, though JSON and YAML can write both. */
export function isStorableText(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** The text with U+FFFD where it cannot be stored: who prints a NUL keeps the rest of what was said. */
export function storableText(text: string): string {
  return isStorableText(text) ? text : text.replaceAll('\0', '\uFFFD').toWellFormed();
}

/** Every place in a JSON value whose text, or whose key, cannot be stored; at most 20. */
export function unstorableText(value: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const open: [path: string, value: unknown][] = [['', value]];
  for (let next = open.pop(); next && errors.length < MAX_ERRORS; next = open.pop()) {
    const [path, at] = next;
    if (typeof at === 'string') {
      if (!isStorableText(at)) errors.push({ path, message: MESSAGE });
    } else if (typeof at === 'object' && at !== null)
      for (const [key, inner] of Object.entries(at)) {
        if (isStorableText(key)) open.push([path === '' ? key : `${path}.${key}`, inner]);
        else errors.push({ path, message: `has a key that ${MESSAGE}` });
      }
  }
  return errors;
}
