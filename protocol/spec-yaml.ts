import { isMap, isSeq, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml';
import { AppError, type FieldError } from './errors.js';

export interface SpecDocument {
  /** The parsed value, not yet checked. */
  value: unknown;
  /** Adds line and column to field errors. */
  locate(errors: FieldError[]): FieldError[];
}

/**
 * Reads the text of a `nightshift.yaml`.
 * @throws AppError `invalid_spec` with line and column when it is not YAML, has a key twice, more than one document,
 * or an alias that leads nowhere, to itself or to too much.
 */
export function readSpecYaml(text: string): SpecDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    maxAliasCount: 100,
  } as Parameters<typeof parseDocument>[1]);
  if (document.errors.length > 0) {
    throw notYaml(document.errors.map((error) => ({ message: error.message, ...placeOf(lines, error.pos[0]) })));
  }
  return {
    value: valueOf(document, lines),
    locate: (errors) =>
      errors.map((error) => {
        const node = nodeAt(document.contents as Node | null, error.path === '' ? [] : error.path.split('.'));
        return { ...error, ...(node === null ? {} : placeOf(lines, node)) };
      }),
  };
}

// Aliases are followed only here, after the syntax has been found right.
function valueOf(document: Document, lines: LineCounter): unknown {
  let message: string;
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    // An alias inside what it stands for makes a value without an end, which only this notices.
    JSON.stringify(value);
    return value;
  } catch (error) {
    message = error instanceof TypeError ? 'an alias stands inside its own anchor' : (error as Error).message;
  }
  let first: number | undefined;
  let lost: number | undefined;
  visit(document, {
    Alias(_key, node) {
      first ??= node.range?.[0];
      if (node.resolve(document) === undefined) lost ??= node.range?.[0];
    },
  });
  const at = lost ?? first;
  throw notYaml([{ message, ...(at === undefined ? {} : placeOf(lines, at)) }]);
}

function placeOf(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function notYaml(errors: Omit<FieldError, 'path'>[]): AppError {
  const { line, column, message } = errors[0] ?? { message: '' };
  const at = line === undefined ? '' : ` line ${line}, column ${column}:`;
  return new AppError('invalid_spec', `not valid YAML:${at} ${message}`, {
    errors: errors.map((error) => ({ path: '', ...error })),
  });
}

// The offset of the deepest node on a path that exists: for a missing key, the map that lacks it.
function nodeAt(node: Node | null, path: string[]): number | null {
  if (node === null) return null;
  const [key, ...rest] = path;
  const here = node.range?.[0] ?? null;
  if (key === undefined) return here;
  if (isMap(node)) {
    for (const pair of node.items) {
      const keyNode = pair.key as Node & { value?: unknown };
      const name = String(keyNode.value);
      // A key may have dots of its own: then it is several parts of the path.
      const parts = name.split('.');
      if (parts.length > path.length || parts.some((part, i) => part !== path[i])) continue;
      const below = path.slice(parts.length);
      if (below.length === 0) return keyNode.range?.[0] ?? here;
      return nodeAt(pair.value as Node | null, below) ?? keyNode.range?.[0] ?? here;
    }
  }
  if (isSeq(node)) return nodeAt((node.items[Number(key)] as Node | undefined) ?? null, rest) ?? here;
  return here;
}
