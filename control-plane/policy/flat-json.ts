import { quote } from './text.js';

export type Scalar = number | string | boolean | null;
export type FlatObject = { fields: Map<string, Scalar> } | { problem: string };

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const WORD = /[A-Za-z_-][\w-]*/y;
const LITERALS = new Map<string, Scalar>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

class NotFlat extends Error {}

/**
 * Reads one flat JSON object (RFC 8259) and nothing else. JSON.parse would do but for three things that it lets through:
 * a key given twice, `__proto__` as a key that changes what the object is, and nesting as deep as the sender likes.
 */
export function readFlatObject(text: string): FlatObject {
  try {
    return { fields: new Reader(text).object() };
  } catch (error) {
    if (error instanceof NotFlat) return { problem: error.message };
    throw error;
  }
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  object(): Map<string, Scalar> {
    const fields = new Map<string, Scalar>();
    this.space();
    if (this.text[this.at] !== '{') throw new NotFlat(describeStart(this.text, this.at));
    this.at++;
    this.space();
    if (this.text[this.at] === '}') this.at++;
    else this.members(fields);
    this.space();
    if (this.at < this.text.length) {
      const rest = this.text.slice(this.at, this.at + 64);
      throw new NotFlat(
        rest.startsWith('{')
          ? 'a second JSON object follows the first'
          : `the answer goes on after the object: ${quote(rest, 24)}`,
      );
    }
    return fields;
  }

  private members(fields: Map<string, Scalar>): void {
    for (;;) {
      this.space();
      const key = this.string('a key in double quotes');
      if (fields.has(key)) throw new NotFlat(`the key ${quote(key)} is given twice`);
      this.space();
      this.expect(':', `after the key ${quote(key)}`);
      this.space();
      fields.set(key, this.value(key));
      this.space();
      if (this.text[this.at] === '}') break;
      this.expect(',', 'or } after a value');
    }
    this.at++;
  }

  private value(key: string): Scalar {
    const first = this.text[this.at];
    if (first === '"') return this.string('text');
    if (first === '{' || first === '[')
      throw new NotFlat(`${quote(key)} holds ${first === '{' ? 'an object' : 'a list'}; nothing may be nested`);
    const number = this.match(NUMBER);
    if (number !== null) return Number(number);
    const start = this.at;
    const word = this.match(WORD);
    const literal = word === null ? undefined : LITERALS.get(word);
    if (literal === undefined) {
      this.at = start;
      throw this.unexpected('a JSON value');
    }
    return literal;
  }

  private string(wanted: string): string {
    const start = this.at;
    if (this.text[start] !== '"') throw this.unexpected(wanted);
    const literal = this.match(STRING);
    if (literal === null) throw new NotFlat(`a text that starts at character ${start + 1} has no closing quote`);
    try {
      return JSON.parse(literal) as string;
    } catch {
      throw new NotFlat(
        `the text at character ${start + 1} is not valid JSON: it has a bad escape, or a line break or control character that is not escaped`,
      );
    }
  }

  private expect(character: string, context: string): void {
    if (this.text[this.at] !== character) throw this.unexpected(`${character} ${context}`);
    this.at++;
  }

  private space(): void {
    this.match(SPACE);
  }

  private match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? null;
    if (found !== null) this.at += found.length;
    return found;
  }

  private unexpected(wanted: string): NotFlat {
    const found = this.text.slice(this.at, this.at + 24);
    if (found === '') return new NotFlat(`the object is cut short: needs ${wanted}`);
    const hint = hintFor(found);
    return new NotFlat(`needs ${wanted} at character ${this.at + 1}, got ${quote(found, 16)}${hint && ` (${hint})`}`);
  }
}

function hintFor(found: string): string {
  if (found.startsWith('}')) return 'a comma before } is not JSON';
  if (found.startsWith("'")) return 'JSON takes double quotes only';
  if (found.startsWith('//') || found.startsWith('/*') || found.startsWith('#')) return 'JSON has no comments';
  if (/^[-+]?(?:nan|inf)/i.test(found)) return 'NaN and Infinity are not JSON';
  if (/^[-+]?\.?\d/.test(found)) return 'not a JSON number';
  return '';
}

function describeStart(text: string, at: number): string {
  const rest = text.slice(at, at + 64);
  if (rest === '') return 'the answer is empty';
  if (rest.startsWith('```')) return 'a Markdown fence surrounds the object';
  if (rest.startsWith('[')) return 'the answer is a list, not an object';
  if (rest.startsWith('<')) return `a tag stands before the object: ${quote(rest, 24)}`;
  if (/^\p{Cf}/u.test(rest)) return `an invisible character stands before the object: ${quote(rest, 8)}`;
  return text.includes('{', at)
    ? `text stands before the object: ${quote(rest, 24)}`
    : `no JSON object: ${quote(rest, 24)}`;
}
