import { PythonError } from './python-error.js';
import { readString, type StringPiece } from './strings.js';

export type TokenKind = 'name' | 'number' | 'string' | 'operator' | 'newline' | 'indent' | 'dedent' | 'end';
/** `text` is what the language sees: identifiers in NFKC, as Python compares them. Offsets are UTF-16 units; lines count from 1. */
export interface Token {
  kind: TokenKind;
  text: string;
  from: number;
  to: number;
  line: number;
  /** Only of strings. */
  pieces?: StringPiece[];
  isBytes?: boolean;
}

const NAME = /[\p{ID_Start}_][\p{ID_Continue}]*/uy;
const NUMBER =
  /(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:(?:\d(?:_?\d)*)?\.\d(?:_?\d)*|\d(?:_?\d)*\.?)(?:[eE][+-]?\d(?:_?\d)*)?[jJ]?)/y;
const STRING_START = /(?:[rR]?[bBfFtT]|[bBfFtT][rR]|[rRuU])?(?:'''|"""|'|")/y;
const OPERATOR = /\*\*=|\/\/=|>>=|<<=|\.\.\.|->|:=|[-+*/%@&|^=<>!]=|\*\*|\/\/|<<|>>|[-+*/%@&|^~<>=()[\]{},:;.]/y;
const SPACE = /[ \t\f]+/y;
const AFTER_NUMBER = /(?:and|else|for|if|in|is|or|not)\b/y;
// CPython stops at 100 levels of indentation and 200 of brackets.
const MAX_INDENTS = 100;
const MAX_BRACKETS = 200;
const CLOSER: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

/**
 * Splits Python source (3.8 to 3.14) into tokens; comments and blank lines give none.
 * @param line the line that `from` stands on
 * @param isExpression for the inside of a replacement field: line ends mean nothing there
 * @throws PythonError
 */
export function tokenize(source: string, from = 0, end = source.length, line = 1, isExpression = false): Token[] {
  const tokens: Token[] = [];
  const brackets: string[] = [];
  const indents: { column: number; tabless: number }[] = [{ column: 0, tabless: 0 }];
  let at = from;
  let isLineStart = !isExpression;

  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    return found && at + found[0].length <= end ? found[0] : null;
  };
  const push = (kind: TokenKind, text: string, to: number, more: Partial<Token> = {}) => {
    tokens.push({ kind, text, from: at, to, line, ...more });
  };

  while (at < end) {
    if (isLineStart) {
      let column = 0;
      let tabless = 0;
      for (; at < end; at++) {
        const character = source[at];
        if (character === ' ') {
          column++;
          tabless++;
        } else if (character === '\t') {
          column = (Math.floor(column / 8) + 1) * 8;
          tabless++;
        } else if (character === '\f') column = tabless = 0;
        else break;
      }
      if (at >= end) break;
      isLineStart = false;
      if (/[\n#\\]/.test(source[at] as string) || (source[at] === '\r' && source[at + 1] === '\n')) {
        // A blank line or a comment has no indentation; a line that begins with a backslash is nobody's style.
        if (source[at] === '\\') throw new PythonError('a line begins with a backslash', at);
      } else indent(column, tabless);
    }
    const space = match(SPACE);
    if (space !== null) {
      at += space.length;
      continue;
    }
    const character = source[at] as string;
    if (character === '#') {
      while (at < end && source[at] !== '\n') at++;
      continue;
    }
    if (character === '\n' || (character === '\r' && source[at + 1] === '\n')) {
      const width = character === '\n' ? 1 : 2;
      const last = tokens.at(-1);
      if (brackets.length === 0 && !isExpression) {
        if (last && last.kind !== 'newline' && last.kind !== 'indent' && last.kind !== 'dedent')
          push('newline', '\n', at + width);
        isLineStart = true;
      }
      at += width;
      line++;
      continue;
    }
    if (character === '\\') {
      const width = source.startsWith('\r\n', at + 1) ? 3 : 2;
      if (source[at + width - 1] !== '\n' || at + width >= end)
        throw new PythonError('something follows a backslash that joins lines', at);
      at += width;
      line++;
      continue;
    }
    const opening = match(STRING_START);
    if (opening !== null) {
      const text = readString(source, at, opening, end);
      push('string', source.slice(at, text.to), text.to, { pieces: text.pieces, isBytes: text.isBytes });
      for (; at < text.to; at++) if (source[at] === '\n') line++;
      continue;
    }
    const name = match(NAME);
    if (name !== null) {
      push('name', name.normalize('NFKC'), at + name.length);
      at += name.length;
      continue;
    }
    const number = /[\d.]/.test(character) && /\d/.test(source.slice(at, at + 2)) ? match(NUMBER) : null;
    if (number !== null) {
      if (/^0\d*[1-9]\d*$/.test(number.replaceAll('_', '')) && !/[.eEjJ]/.test(number))
        throw new PythonError(`the number ${number.slice(0, 20)} has leading zeros`, at);
      push('number', number, at + number.length);
      at += number.length;
      if (match(NAME) !== null && match(AFTER_NUMBER) === null) throw new PythonError('a number runs into a name', at);
      continue;
    }
    const operator = match(OPERATOR);
    if (operator === null) throw new PythonError(`the character ${JSON.stringify(character)} has no meaning here`, at);
    bracket(operator);
    push('operator', operator, at + operator.length);
    at += operator.length;
  }
  if (brackets.length > 0) throw new PythonError(`a ${brackets.at(-1)} is never closed`, end);
  at = end;
  if (!isExpression) {
    const last = tokens.at(-1);
    if (last && !['newline', 'indent', 'dedent'].includes(last.kind)) push('newline', '', end);
    while (indents.length > 1) {
      indents.pop();
      push('dedent', '', end);
    }
  }
  push('end', '', end);
  return tokens;

  function indent(column: number, tabless: number): void {
    const top = indents.at(-1) as { column: number; tabless: number };
    if (column > top.column) {
      if (tabless <= top.tabless) throw new PythonError('tabs and spaces are mixed in the indentation', at);
      if (indents.length >= MAX_INDENTS) throw new PythonError('indented too deeply', at);
      indents.push({ column, tabless });
      push('indent', '', at);
      return;
    }
    while (column < (indents.at(-1) as { column: number }).column) {
      indents.pop();
      push('dedent', '', at);
    }
    const level = indents.at(-1) as { column: number; tabless: number };
    if (column !== level.column) throw new PythonError('the indentation matches no outer level', at);
    if (tabless !== level.tabless) throw new PythonError('tabs and spaces are mixed in the indentation', at);
  }

  function bracket(operator: string): void {
    const closer = CLOSER[operator];
    if (closer !== undefined) {
      if (brackets.length >= MAX_BRACKETS) throw new PythonError('brackets are nested too deeply', at);
      brackets.push(operator);
    } else if (operator === ')' || operator === ']' || operator === '}') {
      const open = brackets.pop();
      if (open === undefined || CLOSER[open] !== operator)
        throw new PythonError(open ? `${operator} closes a ${open}` : `${operator} closes nothing`, at);
    }
  }
}
