/**
 * How text that others wrote (training output, a model's earlier reasons, a refused answer) enters a prompt: as a
 * JSON string on one line, bounded, so that nothing in it can end its own quotes, start a section or forge a turn.
 */

// Control and invisible characters (bidirectional overrides, zero-width, line separators, lone surrogates) can hide
// text from a person who audits a prompt; a `<|…|>` or `[INST]` would be read as a turn by servers that tokenise it so.
const HIDDEN =
  /[\ufe00-\ufe0f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\uffff\u{e0000}-\u{e0fff}]/gu;
const TURN = /\[(?=\/?[A-Z_]{3,20}\])/g;

function escapeChar(char: string): string {
  return char
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** The first `max` characters (UTF-16 units) of a text, never half of a pair. */
export function cutText(text: string, max: number): { text: string; dropped: number } {
  if (text.length <= max) return { text, dropped: 0 };
  const last = text.charCodeAt(max - 1);
  const head = text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max);
  return { text: head, dropped: text.length - head.length };
}

/** JSON text with every hidden character and every mark of a turn escaped; still the same JSON. */
export function escapeJson(json: string): string {
  return json.replace(HIDDEN, escapeChar).replace(/</g, '\\u003c').replace(TURN, '\\u005b');
}

/** A text as one bounded JSON string. Still valid JSON: parsing it gives the text back, up to the cut. */
export function quoteData(text: string, maxChars: number): string {
  const { text: head, dropped } = cutText(text, maxChars);
  const quoted = escapeJson(JSON.stringify(head));
  return dropped > 0 ? `${quoted} (+${dropped} characters)` : quoted;
}

/** A project owner's own text: lines stay lines, but each is marked as a quotation and nothing in it is invisible. */
export function quoteLines(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `> ${line.replace(/[\u0000-\u0008\u000b-\u001f]/g, escapeChar).replace(HIDDEN, escapeChar)}`)
    .map((line) =>
      line
        .replace(/<(?=[|/A-Za-z_])/g, '\\u003c')
        .replace(TURN, '\\u005b')
        .trimEnd(),
    );
}

/** A knob or cause as it is when it is a plain name, quoted otherwise. */
export function quoteName(name: string): string {
  return /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name) ? name : quoteData(name, 64);
}
