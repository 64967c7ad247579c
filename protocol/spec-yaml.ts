import { isMap, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import { AppError, type FieldError } from './errors.js';
import { specInputSchema } from './spec.js';

export interface SpecDocument {
  /** The parsed value, not yet checked. */
  value: unknown;
  /** Adds line and column to field errors, and names the closest known key for an unknown one. */
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
  const known = [
    ...knownKeys(specInputSchema.shape),
    'path',
    'git',
    'ref',
    'knobs',
    'constraints',
    'cross_constraints',
  ];
  return {
    value: document.toJS({ maxAliasCount: 100 }) as unknown,
    locate: (errors) =>
      errors.map((error) => {
        const unknown = /^Unrecognized keys?: "?([^",]+)/.exec(error.message)?.[1];
        const path = [error.path, unknown].filter(Boolean).join('.');
        const node = nodeAt(document.contents as Node | null, path.split('.').filter(Boolean));
        const at = node === null ? undefined : lines.linePos(node);
        const near = unknown === undefined ? undefined : closest(unknown, known);
        const message =
          unknown === undefined ? error.message : `unknown key "${unknown}"${near ? `; did you mean "${near}"?` : ''}`;
        return { path, message, ...(at ? { line: at.line, column: at.col } : {}) };
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
      if (String(keyNode.value) !== key) continue;
      if (rest.length === 0) return keyNode.range?.[0] ?? here;
      return nodeAt(pair.value as Node | null, rest) ?? keyNode.range?.[0] ?? here;
    }
  }
  if (isSeq(node)) return nodeAt((node.items[Number(key)] as Node | undefined) ?? null, rest) ?? here;
  return here;
}

function knownKeys(shape: Record<string, unknown>): string[] {
  const keys: string[] = [];
  for (const [key, value] of Object.entries(shape)) {
    keys.push(key);
    let inner = value as { shape?: Record<string, unknown>; unwrap?: () => unknown };
    if (!inner.shape && typeof inner.unwrap === 'function') inner = inner.unwrap() as typeof inner;
    if (inner.shape) keys.push(...knownKeys(inner.shape));
  }
  return keys;
}

function closest(word: string, candidates: string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(
        Math.min(
          (row[j - 1] ?? 0) + 1,
          (previous[j] ?? 0) + 1,
          (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    previous = row;
  }
  return previous[b.length] ?? 0;
}
