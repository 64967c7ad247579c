import { Parser, type Token } from 'acorn';
import { tsPlugin } from '@sveltejs/acorn-typescript';

/** A node of ESTree. Its other fields are read by name; a walk looks at all of them. */
export interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}
export interface JavascriptModule {
  program: Node;
  tokens: { text: string; from: number; to: number }[];
  source: string;
}

const TypescriptParser = Parser.extend(tsPlugin());
const JsxParser = Parser.extend(tsPlugin({ jsx: true }));

/** Parses JavaScript or TypeScript, as the ending of the path says: a module, and failing that a script where a script may be. */
export function parseJavascript(
  path: string,
  source: string,
): { module: JavascriptModule } | { problem: string; line: number } {
  const base = /\.[cm]?tsx?$/.test(path) ? TypescriptParser : Parser;
  const parser = /\.[jt]sx$/.test(path) ? JsxParser : base;
  const kinds = /\.(?:cjs|cts)$/.test(path)
    ? (['script'] as const)
    : /\.(?:mjs|mts)$/.test(path)
      ? (['module'] as const)
      : (['module', 'script'] as const);
  let first: { problem: string; line: number } | null = null;
  for (const sourceType of kinds) {
    const tokens: JavascriptModule['tokens'] = [];
    const onToken = (token: Token) =>
      void tokens.push({ text: source.slice(token.start, token.end), from: token.start, to: token.end });
    try {
      const program = parser.parse(source, {
        ecmaVersion: 'latest',
        sourceType,
        locations: true,
        allowHashBang: true,
        allowReturnOutsideFunction: sourceType === 'script',
        onToken,
      }) as unknown as Node;
      // The TypeScript plugin reads some tokens twice when it tries an arrow function.
      tokens.sort((a, b) => a.from - b.from);
      return {
        module: { program, tokens: tokens.filter((token, index) => token.from !== tokens[index - 1]?.from), source },
      };
    } catch (error) {
      first ??= problemOf(error);
    }
  }
  return first as { problem: string; line: number };
}

function problemOf(error: unknown): { problem: string; line: number } {
  if (error instanceof RangeError) return { problem: 'nested too deeply', line: 1 };
  const { message, loc } = error as { message?: string; loc?: { line?: number } };
  return { problem: (message ?? 'cannot be parsed').replace(/\s*\(\d+:\d+\)$/, ''), line: loc?.line ?? 1 };
}

/** Every node below one, itself first, with its parent. Iterative, since a long sum is as deep as it is long. */
export function walk(root: Node, visit: (node: Node, parent: Node | null, field: string) => boolean | void): void {
  const stack: [Node, Node | null, string][] = [[root, null, '']];
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const [node, parent, field] = entry;
    if (visit(node, parent, field) === false) continue;
    const below: [Node, Node | null, string][] = [];
    for (const key of Object.keys(node)) {
      if (key === 'loc' || key === 'parent') continue;
      const value = node[key];
      for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) below.push([item, node, key]);
    }
    for (let at = below.length - 1; at >= 0; at--) stack.push(below[at] as [Node, Node | null, string]);
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

export function lineOf(node: Node): number {
  return (node['loc'] as { start: { line: number } } | undefined)?.start.line ?? 1;
}
