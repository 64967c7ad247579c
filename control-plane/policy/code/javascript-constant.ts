import { isNode, walk, type Node } from '../../patch/javascript/parse-javascript.js';
import { computed, shownAs } from './arithmetic.js';
import { combined, MAX_VALUES, textMethod, type Constant } from './constant.js';
import { dottedOf, memberName, nameOf, unwrapped } from './javascript-names.js';

/** What names may hold when they are only ever given what is written out. */
export type Constants = ReadonlyMap<string, readonly Constant[]>;
/** Several rails ask for them of the same module. */
const collected = new WeakMap<Node, Constants>();

/** Reads the declarations and assignments of a module in their order; every value that stands anywhere is possible. */
export function constantsOf(program: Node): Constants {
  const before = collected.get(program);
  if (before) return before;
  const known = collectConstants(program);
  collected.set(program, known);
  return known;
}

function collectConstants(program: Node): Constants {
  const known = new Map<string, readonly Constant[]>();
  const give = (target: unknown, values: readonly Constant[]) => {
    if (!isNode(target)) return;
    if (target.type === 'Identifier')
      known.set(nameOf(target), [...(known.get(nameOf(target)) ?? []), ...values].slice(0, MAX_VALUES));
    if (target.type === 'ArrayPattern')
      for (const value of values)
        if (Array.isArray(value))
          (target['elements'] as Node[]).forEach((item, at) => give(item, value.slice(at, at + 1)));
  };
  walk(program, (node, parent) => {
    if (node.type === 'VariableDeclarator' && isNode(node['init']))
      give(node['id'], constantValues(node['init'], known));
    if (node.type === 'AssignmentExpression') {
      const left = node['left'] as Node;
      const values = constantValues(node['right'] as Node, known);
      const before = left.type === 'Identifier' ? (known.get(nameOf(left)) ?? []) : [];
      give(left, node['operator'] === '+=' ? combined([before, values], ([a, b]) => sum(a, b)) : values);
    }
    if (node.type === 'VariableDeclarator' && parent?.type === 'VariableDeclaration') return;
    if (node.type === 'ForOfStatement' && (node['left'] as Node).type === 'VariableDeclaration')
      for (const list of constantValues(node['right'] as Node, known))
        give(((node['left'] as Node)['declarations'] as Node[])[0]?.['id'], Array.isArray(list) ? list : []);
  });
  return known;
}

/** All that an expression can come to, as far as it is made of constants. Nothing where it is not. */
export function constantValues(expression: Node, known: Constants, depth = 0): readonly Constant[] {
  const at = unwrapped(expression);
  if (depth > 60) return [];
  const of = (part: unknown) => (isNode(part) ? constantValues(part, known, depth + 1) : []);
  switch (at.type) {
    case 'Literal':
      return typeof at['value'] === 'string' || typeof at['value'] === 'number' ? [at['value']] : [];
    case 'TemplateLiteral': {
      const parts = (at['quasis'] as Node[]).flatMap((quasi, index) => {
        const text = [(quasi['value'] as { cooked?: string }).cooked ?? ''];
        const next = (at['expressions'] as Node[])[index];
        return next ? [text, shownAs(of(next))] : [text];
      });
      return combined(parts, (values) => values.map(String).join(''));
    }
    case 'Identifier':
      return known.get(nameOf(at)) ?? [];
    case 'ArrayExpression':
      return combined((at['elements'] as unknown[]).map(of), (items) => items);
    case 'ConditionalExpression':
      return [...of(at['consequent']), ...of(at['alternate'])].slice(0, MAX_VALUES);
    case 'UnaryExpression':
      return combined([of(at['argument'])], ([value]) =>
        typeof value === 'number' && at['operator'] === '-' ? -value : null,
      );
    case 'BinaryExpression': {
      const sides = [of(at['left']), of(at['right'])];
      const isText = sides.some((values) => typeof values[0] === 'string');
      return combined(isText ? sides.map(shownAs) : sides, ([a, b]) =>
        at['operator'] === '+' ? sum(a, b) : computed(String(at['operator']), a, b),
      );
    }
    case 'MemberExpression':
      if (at['computed'] !== true) return [];
      return combined([of(at['object']), of(at['property'])], ([value, index]) =>
        typeof index === 'number' && (Array.isArray(value) || typeof value === 'string')
          ? (value[index] ?? null)
          : null,
      );
    case 'CallExpression':
      return called(at, of);
    default:
      return [];
  }
}

function called(call: Node, of: (part: unknown) => readonly Constant[]): readonly Constant[] {
  const callee = unwrapped(call['callee'] as Node);
  const args = call['arguments'] as Node[];
  const dotted = dottedOf(callee) ?? '';
  const inner = args.length === 1 && args[0]?.type === 'SpreadElement' ? [args[0]['argument']] : args;
  if (/^String\.from(?:CharCode|CodePoint)$/.test(dotted))
    return combined(inner.map(of), (codes) =>
      codes
        .flat()
        .map((code) => (typeof code === 'number' ? String.fromCharCode(code) : '\0'))
        .join(''),
    );
  if (dotted === 'atob') return combined([of(args[0])], ([text]) => textMethod(String(text), 'atob', []));
  if (dotted === 'String')
    return combined([of(args[0])], ([value]) => (Array.isArray(value) ? value.join(',') : (value ?? null)));
  if (/^Buffer\.from$|^Uint8Array\.(?:from|of)$|^Array\.(?:from|of)$/.test(dotted))
    return combined([of(args[0]), ...(args[1] ? [shownAs(of(args[1]))] : [])], ([value, form]) => {
      if (Array.isArray(value)) return dotted.startsWith('Array') ? value : String.fromCharCode(...value.map(Number));
      const method =
        form === 'hex' ? 'fromhex' : typeof form === 'string' && form.startsWith('base64') ? 'atob' : 'toString';
      return textMethod(String(value), method, []);
    });
  const method = memberName(callee);
  if (callee.type !== 'MemberExpression' || method === null) return [];
  return combined([of(callee['object']), ...args.map((argument) => shownAs(of(argument)))], ([value, ...given]) => {
    if (typeof value === 'string') return textMethod(value, method, given);
    if (!Array.isArray(value)) return null;
    if (method === 'join') return value.map(String).join(typeof given[0] === 'string' ? given[0] : ',');
    if (method === 'reverse' || method === 'toReversed') return value.toReversed();
    if (method !== 'map' && method !== 'concat') return null;
    if (method === 'concat') return [...value, ...given.flat()];
    // Of what is made of every item only letters are told.
    return value.map((code) => (typeof code === 'number' ? String.fromCharCode(code) : code));
  });
}

function sum(a: Constant | undefined, b: Constant | undefined): Constant | null {
  if (a === undefined || b === undefined || Array.isArray(a) || Array.isArray(b)) return null;
  return typeof a === 'number' && typeof b === 'number' ? a + b : `${a}${b}`;
}
