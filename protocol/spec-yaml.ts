import { isMap, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import { AppError, type FieldError } from './errors.js';

export interface SpecDocument {
  /** The parsed value, not yet checked. */
  value: unknown;
  /** Adds line and column to field errors. */
  locate(errors: FieldError[]): FieldError[];
}

/**
 * Reads the text of a `nightshift.yaml`.
 * @throws AppError `invalid_spec` with line and column when it is not YAML, has a key twice or more than one document.
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
    const errors = document.errors.map((error) => {
      const at = lines.linePos(error.pos[0]);
      return { path: '', message: error.message, line: at.line, column: at.col };
    });
    const first = errors[0];
    throw new AppError(
      'invalid_spec',
      `not valid YAML: line ${first?.line}, column ${first?.column}: ${first?.message}`,
      { errors },
    );
  }
  return {
    value: document.toJS({ maxAliasCount: 100 }) as unknown,
    locate: (errors) =>
      errors.map((error) => {
        const node = nodeAt(document.contents as Node | null, error.path === '' ? [] : error.path.split('.'));
        const at = node === null ? undefined : lines.linePos(node);
        return { ...error, ...(at ? { line: at.line, column: at.col } : {}) };
      }),
  };
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
