import { lineOf, walk, type JavascriptModule, type Node } from '../../patch/javascript/parse-javascript.js';
import { tokenText } from './code-text.js';
import type { Finding, Sealed } from './context.js';
import { constantsOf, constantValues } from './javascript-constant.js';
import { dottedOf, fold, nameOf } from './javascript-names.js';
import { hasWord, literalFindings } from './literals.js';

const MADE = /^(?:Identifier|CallExpression|BinaryExpression|TemplateLiteral|ArrayExpression|ConditionalExpression)$/;
const CONSOLE = /^console\.(?:log|info|warn|error|debug)$/;
const MEANS = /^(?:valueOf|toFixed|toPrecision)$/;

/** The same for JavaScript and TypeScript as `spelledPython`; and methods by which a value shows or compares as something else. */
export function spelledJavascript({ program, tokens }: JavascriptModule, sealed: Sealed): Finding[] {
  const found: Finding[] = [];
  const known = constantsOf(program);
  const text = (node: Node) => tokenText(tokens, node.start, node.end);
  walk(program, (node, parent) => {
    if (Array.isArray(node['body'])) block(node['body'] as Node[]);
    if (/^(?:MethodDefinition|Property|PropertyDefinition)$/.test(node.type)) means(node);
    const isDeclared =
      node.type === 'Identifier' &&
      (parent?.['id'] === node || parent?.['key'] === node || parent?.['property'] === node);
    if (!MADE.test(node.type) || isDeclared || fold(node) !== null) return true;
    const values = constantValues(node, known);
    const texts = values.flatMap((value) =>
      typeof value === 'string'
        ? [value]
        : node.type === 'ArrayExpression' && Array.isArray(value)
          ? [value.map(String).join('')]
          : [],
    );
    return !texts.some((one) => told(one, node));
  });
  return found;

  /** Whether a text that was put together says what no patch may say; then its parts are not looked at again. */
  function told(one: string, node: Node): boolean {
    const [finding] = literalFindings(one, sealed, text(node), lineOf(node));
    if (!finding) return false;
    found.push({ ...finding, key: `spelled ${finding.key}`, reason: `${finding.reason}, put together at run time` });
    return true;
  }

  /** What the statements of a block print, one after the other. */
  function block(body: readonly Node[]): void {
    let output = '';
    for (const statement of body) {
      const call = statement.type === 'ExpressionStatement' ? (statement['expression'] as Node) : null;
      const dotted = call?.type === 'CallExpression' ? (dottedOf(call['callee'] as Node) ?? '') : '';
      const isConsole = CONSOLE.test(dotted);
      if (!call || (!isConsole && dotted !== 'process.stdout.write')) continue;
      const parts = (call['arguments'] as Node[]).map((part) => String(constantValues(part, known)[0] ?? '\0'));
      // What one part says by itself is found where it stands.
      output +=
        parts.map((part) => (hasWord(part, sealed.metricName) ? '\0' : part)).join(' ') + (isConsole ? '\n' : '');
      output = output.slice(-8192);
      if (!hasWord(output, sealed.metricName)) continue;
      output = '';
      add(`printed|${text(statement)}`, statement, "it prints the metric's name in parts");
    }
  }

  function means(node: Node): void {
    const key = node['key'] as Node;
    const name = node['computed'] === true ? (dottedOf(key) ?? '') : nameOf(key);
    if (MEANS.test(name) || name === 'Symbol.toPrimitive')
      add(`means ${name}`, node, `${name} makes a value show or compare as something else`);
  }

  function add(key: string, node: Node, reason: string): void {
    found.push({ rail: 'sealed', key, line: lineOf(node), reason, allowedBy: null });
  }
}
