import { PythonError } from './python-error.js';

/** A piece of a string: text as it is at run time, or the range of an expression in a replacement field. */
export type StringPiece = { text: string } | { from: number; to: number };

const ESCAPES: Record<string, string> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
// CPython has 150 levels of format strings; each costs a few frames of our stack.
const MAX_STRINGS = 100;
const ANY_START = /(?:[rR]?[bBfFtT]|[bBfFtT][rR]|[rRuU])?(?:'''|"""|'|")/y;

/**
 * Reads a string literal from its opening (prefix and quotes). A replacement field may hold its own quotes, as since 3.12; what an
 * older interpreter takes for a whole string is read the same.
 * @throws PythonError when it is not closed
 */
export function readString(
  source: string,
  start: number,
  opening: string,
  end: number,
  depth = 0,
): { to: number; pieces: StringPiece[]; isBytes: boolean } {
  const prefix = opening.replace(/['"]+$/, '').toLowerCase();
  const quotes = opening.slice(prefix.length);
  const isRaw = prefix.includes('r');
  const isBytes = prefix.includes('b');
  const isFormat = prefix.includes('f') || prefix.includes('t');
  const isLong = quotes.length === 3;
  const pieces: StringPiece[] = [];
  let text = '';
  let at = start + opening.length;
  const flush = () => {
    if (text !== '') pieces.push({ text });
    text = '';
  };
  while (at < end) {
    if (source.startsWith(quotes, at)) {
      flush();
      return { to: at + quotes.length, pieces, isBytes };
    }
    const character = source[at] as string;
    if (character === '\n' && !isLong) break;
    if (isFormat && (character === '{' || character === '}')) {
      if (source[at + 1] === character) {
        text += character;
        at += 2;
      } else if (character === '}') throw new PythonError('a single } in a format string', at);
      else {
        flush();
        at = field(at);
      }
      continue;
    }
    if (character !== '\\') {
      text += character;
      at++;
      continue;
    }
    if (at + 1 >= end) break;
    if (isRaw) {
      // In a format string a brace after a backslash still opens a field.
      const isBrace = isFormat && (source[at + 1] === '{' || source[at + 1] === '}');
      text += isBrace ? '\\' : source.slice(at, at + 2);
      at += isBrace ? 1 : 2;
      continue;
    }
    at = escape(at + 1);
  }
  throw new PythonError('a string is never closed', start);

  function escape(from: number): number {
    const character = source[from] as string;
    if (character === '\r' && source[from + 1] === '\n') return from + 2;
    const simple = ESCAPES[character];
    if (simple !== undefined) {
      text += simple;
      return from + 1;
    }
    const octal = /^[0-7]{1,3}/.exec(source.slice(from, from + 3))?.[0];
    if (octal) {
      text += String.fromCharCode(parseInt(octal, 8));
      return from + octal.length;
    }
    const width = character === 'x' ? 2 : isBytes ? 0 : character === 'u' ? 4 : character === 'U' ? 8 : 0;
    if (width > 0) {
      const digits = source.slice(from + 1, from + 1 + width);
      const code = parseInt(digits, 16);
      if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length < width || code > 0x10ffff)
        throw new PythonError(`the escape \\${character} is cut short`, from);
      text += String.fromCodePoint(code);
      return from + 1 + width;
    }
    if (character === 'N' && !isBytes && source[from + 1] === '{') {
      const close = source.indexOf('}', from);
      if (close < 0) throw new PythonError('the escape \\N is cut short', from);
      // The name of a character is not looked up: a mark stands for it, so that the text equals nothing that is guarded.
      text += '\ufffd';
      return close + 1;
    }
    if (isFormat && (character === '{' || character === '}')) {
      text += '\\';
      return from;
    }
    text += `\\${character}`;
    return from + 1;
  }

  /** From the { of a replacement field to behind its }. */
  function field(open: number, level = 0): number {
    // A field in the width of a field, and one in that one's: Python stops there too.
    if (level > 2) throw new PythonError('fields are nested too deeply', open);
    let at = open + 1;
    const from = at;
    const stack: string[] = [];
    for (; at < end;) {
      const character = source[at] as string;
      ANY_START.lastIndex = at;
      const quote = /\w/.test(source[at - 1] ?? '') && /\w/.test(character) ? null : ANY_START.exec(source)?.[0];
      if (quote) {
        if (depth >= MAX_STRINGS) throw new PythonError('strings are nested too deeply', at);
        at = readString(source, at, quote, end, depth + 1).to;
        continue;
      }
      if (character === '#') {
        while (at < end && source[at] !== '\n') at++;
        continue;
      }
      if ('([{'.includes(character)) stack.push(character);
      else if (stack.length > 0 && ')]}'.includes(character)) stack.pop();
      else if (stack.length === 0) {
        if (character === '}' || character === ':') break;
        if (character === '!' && source[at + 1] !== '=') break;
        if (character === '=' && !'=<>!'.includes(source[at - 1] ?? '') && source[at + 1] !== '=') {
          const rest = /^=\s*(?=[!:}])/.exec(source.slice(at, at + 40));
          if (rest) break;
        }
      }
      at++;
    }
    if (source.slice(from, at).trim() === '') throw new PythonError('an empty replacement field', open);
    pieces.push({ from, to: at });
    at += /^=?\s*/.exec(source.slice(at, at + 40))?.[0].length ?? 0;
    const conversion = /^![a-z]\s*/.exec(source.slice(at, at + 40));
    if (conversion) at += conversion[0].length;
    if (source[at] === ':') {
      at++;
      while (at < end && source[at] !== '}') {
        if (source[at] === '{') at = field(at, level + 1);
        else if (source[at] === '\n' && !isLong) break;
        else if (source.startsWith(quotes, at)) break;
        else at++;
      }
    }
    if (source[at] !== '}') throw new PythonError('a replacement field is never closed', open);
    return at + 1;
  }
}
