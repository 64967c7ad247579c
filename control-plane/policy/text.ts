import type { Knob, KnobValue } from '@nightshift/protocol';

/** A reason longer than this is cut: it goes into a prompt, a table row and a terminal line. */
const MAX_REASON = 500;

// Characters that steer a terminal, hide, or reorder the text around them.
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Makes a sentence safe to show anywhere: what does not show is escaped, and the length is bounded. */
export function sentence(text: string): string {
  const escaped = text.slice(0, 4 * MAX_REASON).replace(UNSHOWN, escapeCharacter);
  return escaped.length <= MAX_REASON ? escaped : `${escaped.slice(0, MAX_REASON).replace(/\p{Cs}$/u, '')}…`;
}

/** A little of somebody's input in quotes. All but ASCII is escaped, so that look-alike letters can be told apart. */
export function quote(text: string, max = 48): string {
  const escaped = JSON.stringify(text.slice(0, max)).replace(/[^\x20-\x7e]/gu, escapeCharacter);
  return text.length > max ? `${escaped}…` : escaped;
}

/** What a knob may be set to, in words: "a whole number from 4 to 48". */
export function legalValues(knob: Knob): string {
  if (knob.choices) return `one of ${knob.choices.map((choice) => JSON.stringify(choice)).join(', ')}`;
  const kind = knob.type === 'int' ? 'a whole number' : 'a number';
  return knob.range ? `${kind} from ${knob.range[0]} to ${knob.range[1]}` : kind;
}

/** A value as it would be written in JSON, bounded. */
export function shown(value: KnobValue): string {
  return typeof value === 'string' ? quote(value) : String(value);
}

function escapeCharacter(character: string): string {
  if (character === '\n' || character === '\t') return ' ';
  let escaped = '';
  for (let unit = 0; unit < character.length; unit++)
    escaped += `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`;
  return escaped;
}
