import type { KnobValue, Proposal } from '@nightshift/protocol';
import { readFlatObject } from './flat-json.js';
import { quote, sentence } from './text.js';

/** Bytes of a whole answer in UTF-8, white space included. */
export const MAX_ANSWER_BYTES = 65_536;
/** Characters (UTF-16 units) of a reason. A reason is read by people and goes back into prompts; an essay crowds them out. */
export const MAX_REASON_CHARS = 1000;

const KEYS = ['knob', 'new_value', 'reason'];
const WANTED =
  'Answer with exactly {"knob": text, "new_value": number, text or true/false, "reason": text} and nothing else.';

// What a reason may not hold: it would steer a terminal, hide instructions in a later prompt, or not be stored as text.
// Joiners and direction marks stay legal, since emoji and many scripts need them.
const UNSAFE_IN_REASON = /(?![\t\n\r])[\p{Cc}\p{Cs}]|[\u200b\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u;

/** Rail `schema`: strict JSON with exactly knob, new_value and reason. An object that was parsed before is held to the same form. */
export function railSchema(raw: unknown): { proposal: Proposal } | { problem: string } {
  const read = typeof raw === 'string' ? readText(raw) : readObject(raw);
  const result = 'problem' in read ? read : toProposal(read.fields);
  return 'problem' in result ? { problem: sentence(`${result.problem}. ${WANTED}`) } : result;
}

function readText(raw: string): { fields: ReadonlyMap<string, unknown> } | { problem: string } {
  if (isTooLong(raw)) return { problem: `the answer is longer than ${MAX_ANSWER_BYTES / 1024} KiB` };
  return readFlatObject(raw);
}

function readObject(raw: unknown): { fields: ReadonlyMap<string, unknown> } | { problem: string } {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    return { problem: `the answer is ${nameOf(raw)}, not an object` };
  const fields = new Map<string, unknown>();
  for (const key of Reflect.ownKeys(raw)) {
    const descriptor = Object.getOwnPropertyDescriptor(raw, key);
    if (typeof key !== 'string' || !descriptor || !('value' in descriptor))
      return { problem: 'the answer is not plain data' };
    fields.set(key, descriptor.value);
  }
  return { fields };
}

function toProposal(fields: ReadonlyMap<string, unknown>): { proposal: Proposal } | { problem: string } {
  const extra = [...fields.keys()].find((key) => !KEYS.includes(key));
  if (extra !== undefined) return { problem: `the key ${quote(extra)} does not belong there` };
  const missing = KEYS.find((key) => !fields.has(key));
  if (missing !== undefined) return { problem: `the key ${missing} is missing` };
  const [knob, newValue, reason] = KEYS.map((key) => fields.get(key));
  if (typeof knob !== 'string') return { problem: `knob must be text, got ${nameOf(knob)}` };
  if (typeof newValue !== 'number' && typeof newValue !== 'string' && typeof newValue !== 'boolean')
    return { problem: `new_value must be a number, text or true/false, got ${nameOf(newValue)}` };
  if (typeof reason !== 'string') return { problem: `reason must be text, got ${nameOf(reason)}` };
  if (isTooLong(knob) || (typeof newValue === 'string' && isTooLong(newValue)))
    return { problem: `the answer is longer than ${MAX_ANSWER_BYTES / 1024} KiB` };
  if (reason.length > MAX_REASON_CHARS)
    return { problem: `reason has ${reason.length} characters; at most ${MAX_REASON_CHARS} are taken` };
  const unsafe = UNSAFE_IN_REASON.exec(reason)?.[0];
  if (unsafe !== undefined)
    return { problem: `reason holds the character ${quote(unsafe)}, which does not show as text` };
  return { proposal: { knob, newValue: unsigned(newValue), reason } };
}

function isTooLong(text: string): boolean {
  if (text.length > MAX_ANSWER_BYTES) return true;
  // A UTF-16 unit takes three bytes at most, so short answers need no counting.
  return text.length * 3 > MAX_ANSWER_BYTES && new TextEncoder().encode(text).byteLength > MAX_ANSWER_BYTES;
}

function unsigned(value: KnobValue): KnobValue {
  return value === 0 ? 0 : value;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : typeof value === 'undefined' ? 'nothing' : `a ${typeof value}`;
}
