import { isNode, parseJavascript, walk, type Node } from './javascript/parse-javascript.js';
import { parsePython } from './python/parse-python.js';

const PYTHON_WORDS = new Set(['if', 'elif', 'for', 'while', 'except', 'and', 'or', 'case']);
const JAVASCRIPT_NODES =
  /^(?:IfStatement|ConditionalExpression|For(?:In|Of)?Statement|WhileStatement|DoWhileStatement|CatchClause|LogicalExpression)$/;

/**
 * How many ways there are through a file: 1, and 1 more for each branch, loop, handler, case, and/or and comprehension condition
 * (McCabe's figure for the whole file, after T. J. McCabe, "A Complexity Measure", 1976). Null for a file that is no code or cannot be parsed.
 */
export function complexityOf(path: string, content: string): number | null {
  if (/\.pyi?$/.test(path)) {
    const read = parsePython(content);
    if ('problem' in read) return null;
    // `match` is a name that may be called `case`, but no statement begins with it there.
    return (
      1 +
      read.module.tokens.filter(
        ({ kind, text }, at) =>
          kind === 'name' && PYTHON_WORDS.has(text) && (text !== 'case' || startsLine(read.module.tokens, at)),
      ).length
    );
  }
  if (!/\.[cm]?[jt]sx?$/.test(path)) return null;
  const read = parseJavascript(path, content);
  if ('problem' in read) return null;
  let branches = 0;
  walk(read.module.program, (node: Node) => {
    if (JAVASCRIPT_NODES.test(node.type) || (node.type === 'SwitchCase' && isNode(node['test']))) branches++;
  });
  return 1 + branches;
}

function startsLine(tokens: readonly { kind: string; text: string }[], at: number): boolean {
  const before = tokens[at - 1]?.kind ?? 'newline';
  const next = tokens[at + 1];
  return ['newline', 'indent', 'dedent'].includes(before) && !['=', '.', '(', ','].includes(next?.text ?? '');
}
