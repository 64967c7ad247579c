import type { PythonError } from './python-error.js';
import type { Token } from './tokens.js';
import type { Expression } from './tree.js';

interface Reader {
  at(): Token;
  next(): Token | undefined;
  skip(): void;
  is(...texts: string[]): boolean;
  take(text: string): boolean;
  need(text: string): void;
  name(): string;
  /** A sum: what a pattern may compare with. */
  value(): Expression;
  fail(wanted: string): PythonError;
}
interface Pattern {
  /** Names that it gives a value. */
  binds: string[];
  /** Values and classes that it compares with. */
  values: Expression[];
}

/** Reads what stands between `case` and `if` or the colon. @throws PythonError */
export function readPattern(reader: Reader): Pattern {
  const found: Pattern = { binds: [], values: [] };
  sequence(reader, found, [':', 'if']);
  return found;
}

function sequence(reader: Reader, found: Pattern, closers: string[]): void {
  do {
    if (reader.is(...closers)) return;
    if (reader.take('*') || reader.take('**')) bind(reader.name(), found);
    else alternatives(reader, found);
  } while (reader.take(','));
}

function bind(name: string, found: Pattern): void {
  if (name !== '_') found.binds.push(name);
}

function alternatives(reader: Reader, found: Pattern): void {
  do closed(reader, found);
  while (reader.take('|'));
  if (reader.take('as')) bind(reader.name(), found);
}

function closed(reader: Reader, found: Pattern): void {
  if (reader.is('(', '[')) {
    const closer = reader.is('[') ? ']' : ')';
    reader.skip();
    sequence(reader, found, [closer]);
    return reader.need(closer);
  }
  if (reader.take('{')) {
    do {
      if (reader.is('}')) break;
      if (reader.take('**')) {
        bind(reader.name(), found);
        continue;
      }
      found.values.push(reader.value());
      reader.need(':');
      alternatives(reader, found);
    } while (reader.take(','));
    return reader.need('}');
  }
  const start = reader.at();
  if (start.kind !== 'name' || reader.is('None', 'True', 'False')) {
    found.values.push(reader.value());
    return;
  }
  const name = reader.name();
  if (!reader.is('.', '(')) return bind(name, found);
  let value: Expression = { type: 'Name', id: name, from: start.from, to: start.to, line: start.line };
  while (reader.take('.')) {
    const { to } = reader.at();
    value = { type: 'Attribute', value, attribute: reader.name(), from: start.from, to, line: start.line };
  }
  found.values.push(value);
  if (!reader.take('(')) return;
  do {
    if (reader.is(')')) break;
    if (reader.next()?.text === '=' && reader.at().kind === 'name') {
      reader.name();
      reader.skip();
    }
    alternatives(reader, found);
  } while (reader.take(','));
  reader.need(')');
}
