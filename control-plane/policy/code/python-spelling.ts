import type { PythonModule } from '../../patch/python/parse-python.js';
import type { Expression, Statement } from '../../patch/python/tree.js';
import { tokenText } from './code-text.js';
import type { Finding, Sealed } from './context.js';
import { hasWord, literalFindings } from './literals.js';
import { constantsOf, constantValues } from './python-constant.js';
import { below, dottedOf, foldText, namesOf } from './python-names.js';

type Call = Extract<Expression, { type: 'Call' }>;
const WRITES = /(?:^|\.)(?:write|writelines|info|warning|error|debug|critical|log|exception)$/;

/**
 * Texts that are put together at run time and come to what no patch may write: the metric's name, a sealed file's, a credential's place.
 * What is made of constants is worked out, through names, formats, letters' codes and several prints; what comes from data is not.
 */
export function spelledPython({ statements, tokens }: PythonModule, sealed: Sealed): Finding[] {
  const found: Finding[] = [];
  const names = namesOf(statements);
  const known = constantsOf(statements, names);
  block(statements, '');
  return found;

  function block(body: readonly Statement[], path: string): void {
    let output = '';
    for (const statement of body) {
      const unit = `${path}|${tokenText(tokens, statement.from, statement.to)}`;
      if (statement.type === 'Compound')
        for (const part of statement.blocks) {
          for (const expression of part.head) visit(expression, `${path}|${part.keyword}`);
          block(part.body, `${path}/${part.keyword}`);
        }
      else if (statement.type === 'Definition') block(statement.body, `${path}/${statement.name}`);
      else if (statement.type === 'Assign' && statement.value) visit(statement.value, unit);
      else if (statement.type === 'Simple') {
        for (const value of statement.values) visit(value, unit);
        const [call] = statement.values;
        const text = call?.type === 'Call' ? printedBy(call) : null;
        if (text === null) continue;
        output = `${output}${text}`.slice(-8192);
        if (spells(output)) {
          add(unit, statement.line, "it prints the metric's name in parts");
          output = '';
        }
      }
    }
  }

  function visit(expression: Expression, unit: string): void {
    const stack = [expression];
    for (let at = stack.pop(); at; at = stack.pop()) {
      const inner = at.type === 'Lambda' ? [at.body] : [...below(at)];
      // A literal is the rail's own business; a constant's parts are judged with the whole.
      if (at.type !== 'String' && at.type !== 'Constant' && foldText(at) === null) {
        const values = constantValues(at, known, names);
        const isList = at.type === 'Collection' && at.form !== 'dict';
        const texts = values.flatMap((value) =>
          typeof value === 'string' ? [value] : isList && Array.isArray(value) ? [value.map(String).join('')] : [],
        );
        if (texts.some((text) => told(text, unit, (at as Expression).line))) continue;
      } else if (at.type === 'String' && foldText(at) === null)
        for (const value of constantValues(at, known, names)) if (told(String(value), unit, at.line)) break;
      // A sum in a sum was worked out with it.
      const isSum = at.type === 'Operation' && at.operator === '+';
      for (let part = inner.pop(); part; part = inner.pop())
        if (isSum && part.type === 'Operation' && part.operator === '+') inner.push(...part.operands);
        else stack.push(part);
    }
  }

  /** Whether a text that was put together says what no patch may say; its parts by themselves do not. */
  function told(text: string, unit: string, line: number): boolean {
    const [finding] = literalFindings(text, sealed, unit, line);
    if (!finding) return false;
    found.push({ ...finding, key: `spelled ${finding.key}`, reason: `${finding.reason}, put together at run time` });
    return true;
  }

  function printedBy(call: Call): string | null {
    const dotted = dottedOf(call.callee, names) ?? '';
    const isPrint = dotted === 'print';
    if (!isPrint && !WRITES.test(dotted)) return null;
    const named = (name: string) => call.args.find(({ keyword }) => keyword === name)?.value;
    const valueOf = (part: Expression | undefined, otherwise: string) =>
      part ? String(constantValues(part, known, names)[0] ?? '\0') : otherwise;
    const parts = call.args.filter(({ keyword }) => keyword === null).map(({ value }) => valueOf(value, ''));
    const end = valueOf(named('end'), isPrint || !dotted.endsWith('write') ? '\n' : '');
    // What one part says by itself is found where it stands.
    return `${parts.map((part) => (hasWord(part, sealed.metricName) ? '\0' : part)).join(valueOf(named('sep'), ' '))}${end}`;
  }

  function spells(text: string): boolean {
    return hasWord(text, sealed.metricName);
  }

  function add(unit: string, line: number, reason: string): void {
    found.push({ rail: 'sealed', key: `printed|${unit}`, line, reason, allowedBy: null });
  }
}
