import type { z } from 'zod';
import { isStorableText, storableText } from './storable-text.js';

/**
 * Parses one text frame; a string says what is wrong with it. What no database stores (NUL, half of a surrogate pair: a
 * text that was cut in the wrong place) is replaced: an agent whose frame is refused would send it again for ever.
 */
export function parseFrame<T>(schema: z.ZodType<T>, data: string): { frame: T } | { problem: string } {
  let value: unknown;
  try {
    // Both can only come as escapes: a frame is valid UTF-8, and JSON has no bare control characters.
    value = data.includes('\\u') ? JSON.parse(data, replaceUnstorable) : JSON.parse(data);
  } catch {
    return { problem: 'a frame must be JSON' };
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { frame: parsed.data };
  const issue = parsed.error.issues[0];
  return { problem: `${issue?.path.join('.') || 'frame'}: ${issue?.message ?? 'not valid'}`.slice(0, 500) };
}

function replaceUnstorable(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.keys(value).every(isStorableText)
    ? value
    : Object.fromEntries(Object.entries(value).map(([name, inner]) => [storableText(name), inner]));
}
