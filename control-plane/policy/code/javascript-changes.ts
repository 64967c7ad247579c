import { isNode, type Node } from '../../patch/javascript/parse-javascript.js';
import type { Sealed } from './context.js';
import { WRITERS } from './javascript-tables.js';
import { dottedOf, fold, memberName, unwrapped } from './javascript-names.js';
import { isOwnPath } from './literals.js';

const METHODS = /^(?:set|delete|clear|add|push|pop|shift|unshift|splice|fill|sort|reverse|copyWithin|assign|write\w*)$/;
const BY_NAME = /^(?:set|delete)$/;

/** What a call changes in place: `figures.set('loss', …)`, `Object.assign(figures, …)`; null for parts that are not told. */
export function changesOf(call: Node): { target: Node; parts: string[] | null }[] {
  const callee = unwrapped(call['callee'] as Node);
  const args = call['arguments'] as Node[];
  const method = memberName(callee);
  const [first, ...rest] = args;
  if (callee.type !== 'MemberExpression' || method === null || !METHODS.test(method)) return [];
  const owner = dottedOf(callee);
  if (owner === 'Object.assign') return first ? [{ target: first, parts: keysOf(rest) }] : [];
  // `Array.prototype.push.call(figures, …)` is named by a prototype, which no patch may touch unseen.
  const name = first && BY_NAME.test(method) ? fold(first) : null;
  return [{ target: callee['object'] as Node, parts: name === null ? null : [name] }];
}

/** The object that a change reaches: `losses[at]` is `losses`. */
export function changedObject(target: Node): Node {
  let at = unwrapped(target);
  while (at.type === 'MemberExpression' && memberName(at) === null) at = unwrapped(at['object'] as Node);
  return at;
}

/** Names whose object an expression hands on as it is, not a copy or a figure made of it. */
export function carriedBy(expression: Node): Node[] {
  const found: Node[] = [];
  const stack = [expression];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const at = unwrapped(next);
    if (at.type === 'Identifier') found.push(at);
    else if (at.type === 'MemberExpression') {
      // A field that is told is handed on alone; of an item that is not it may be any.
      if (memberName(at) !== null) found.push(at);
      else stack.push(at['object'] as Node);
    } else if (at.type === 'ArrayExpression')
      stack.push(...(at['elements'] as (Node | null)[]).filter((item) => item !== null));
    else if (at.type === 'ObjectExpression')
      stack.push(...(at['properties'] as Node[]).flatMap((one) => (isNode(one['value']) ? [one['value']] : [])));
    else if (at.type === 'ConditionalExpression') stack.push(at['consequent'] as Node, at['alternate'] as Node);
    else if (at.type === 'LogicalExpression') stack.push(at['left'] as Node, at['right'] as Node);
  }
  return found;
}

/** What the place of a file that `fs` writes is made of, where it is not written out. */
export function unknownPlaces(call: Node, sealed: Sealed): Node[] {
  const callee = unwrapped(call['callee'] as Node);
  const name = (dottedOf(callee) ?? '').split('.').at(-1) as string;
  const place = (call['arguments'] as Node[])[0];
  if (!WRITERS.has(name) || !place) return [];
  const text = fold(place);
  return text !== null && isOwnPath(text, sealed) ? [] : placeParts(place);
}

/** Of a name with a number in it only the folder matters. */
function placeParts(place: Node): Node[] {
  if (fold(place) !== null) return [];
  if (place.type === 'CallExpression') return (place['arguments'] as Node[]).flatMap(placeParts);
  if (place.type === 'BinaryExpression') return [place['left'] as Node, place['right'] as Node].flatMap(placeParts);
  if (place.type !== 'TemplateLiteral') return [place];
  const quasis = place['quasis'] as Node[];
  return (place['expressions'] as Node[]).flatMap((part, at) => {
    const before = (quasis[at]?.['value'] as { cooked?: string } | undefined)?.cooked ?? '';
    return (at === 0 && before === '') || before.endsWith('/') || (at > 0 && before === '') ? placeParts(part) : [];
  });
}

/** Whether an expression comes to a number, whatever its names hold: a step that is counted is no path. */
export function isNumber(node: Node, depth = 0): boolean {
  if (depth > 50) return false;
  if (node.type === 'Literal') return typeof node['value'] === 'number';
  if (node.type === 'UpdateExpression') return true;
  if (node.type !== 'BinaryExpression') return false;
  const parts = [node['left'] as Node, node['right'] as Node];
  if (node['operator'] === '+') return parts.every((part) => isNumber(part, depth + 1));
  return /^(?:[-*/%]|\*\*)$/.test(String(node['operator']));
}

function keysOf(values: readonly Node[]): string[] | null {
  const keys: string[] = [];
  for (const value of values) {
    if (value.type !== 'ObjectExpression') return null;
    for (const property of value['properties'] as Node[]) {
      const key = isNode(property['key']) ? property['key'] : null;
      const name =
        key === null
          ? null
          : property['computed'] !== true && key.type === 'Identifier'
            ? String(key['name'])
            : fold(key);
      if (name === null) return null;
      keys.push(name);
    }
  }
  return keys;
}
