import { isNode, walk, type Node } from '../../patch/javascript/parse-javascript.js';
import type { Sealed } from './context.js';

/** No name that a rail knows has more parts; a chain of thousands is looked at once. */
const MAX_PARTS = 64;

/** Local names that come from a sealed module, and those that hold what one of them made. */
export function sealedNames(
  program: Node,
  path: string,
  { sealedFiles }: Sealed,
): { locals: Set<string>; objects: Set<string> } {
  const locals = new Set<string>();
  const objects = new Set<string>();
  walk(program, (node) => {
    if (node.type === 'ImportDeclaration') {
      const module = String((node['source'] as Node)['value']);
      if (module.startsWith('.') && sealedFiles.includes(resolved(path, module)))
        for (const one of node['specifiers'] as Node[]) locals.add(nameOf(one['local'] as Node));
    }
    if (node.type === 'VariableDeclarator' && isNode(node['init'])) {
      const root = /^(?:Call|New|Await)Expression$/.test(node['init'].type) ? rootName(node['init']) : null;
      if (root !== null && locals.has(root)) for (const name of namesIn(node['id'] as Node)) objects.add(name);
    }
  });
  return { locals, objects };
}

export function unwrapped(node: Node): Node {
  let at = node;
  while (
    /^(?:ChainExpression|ParenthesizedExpression|TSNonNullExpression|TSAsExpression|TSSatisfiesExpression|TSTypeAssertion)$/.test(
      at.type,
    )
  )
    at = at['expression'] as Node;
  if (at.type === 'SequenceExpression') return unwrapped((at['expressions'] as Node[]).at(-1) as Node);
  return at;
}

export function rootName(node: Node): string | null {
  let at = unwrapped(node);
  for (;;) {
    if (at.type === 'MemberExpression') at = unwrapped(at['object'] as Node);
    else if (at.type === 'CallExpression') at = unwrapped(at['callee'] as Node);
    else return at.type === 'Identifier' ? (at['name'] as string) : null;
  }
}

export function nameOf(node: Node): string {
  const name = node['name'] ?? node['value'];
  return typeof name === 'string' || typeof name === 'number' ? `${name}` : '';
}

/** The text that an expression is for certain. */
export function fold(node: Node, depth = 0): string | null {
  if (depth > 200) return null;
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : null;
  if (node.type === 'TemplateLiteral') {
    let text = '';
    const inner = node['expressions'] as Node[];
    for (const [index, quasi] of (node['quasis'] as Node[]).entries()) {
      text += (quasi['value'] as { cooked?: string }).cooked ?? '';
      const expression = inner[index];
      if (!expression) continue;
      const part = fold(expression, depth + 1);
      if (part === null) return null;
      text += part;
    }
    return text;
  }
  if (node.type === 'BinaryExpression' && node['operator'] === '+') {
    const [left, right] = [fold(node['left'] as Node, depth + 1), fold(node['right'] as Node, depth + 1)];
    return left === null || right === null ? null : left + right;
  }
  if (node.type === 'CallExpression' && (node['callee'] as Node).type === 'MemberExpression') {
    const callee = node['callee'] as Node;
    const list = callee['object'] as Node;
    if (callee['computed'] === true || nameOf(callee['property'] as Node) !== 'join' || list.type !== 'ArrayExpression')
      return null;
    const parts = (list['elements'] as (Node | null)[]).map((item) => (item ? fold(item, depth + 1) : ''));
    const separator = (node['arguments'] as Node[])[0]
      ? fold((node['arguments'] as Node[])[0] as Node, depth + 1)
      : ',';
    return separator === null || parts.some((part) => part === null) ? null : parts.join(separator);
  }
  return null;
}

export function bare(module: string): string {
  return module.replace(/^node:/, '');
}

/** A relative module from a file's own folder, as a path of the project; what climbs out keeps its dots. */
export function resolved(from: string, module: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of module.split('/')) {
    if (part === '.' || part === '') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

export function childrenOf(node: Node): Node[] {
  const found: Node[] = [];
  for (const key of Object.keys(node)) {
    if (key === 'loc' || key === 'parent') continue;
    const value = node[key];
    for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) found.push(item);
  }
  return found.sort((a, b) => a.start - b.start);
}

export function patternParts(target: Node): Node[] {
  if (target.type === 'ArrayPattern') return (target['elements'] as (Node | null)[]).filter((item) => item !== null);
  if (target.type === 'ObjectPattern')
    return (target['properties'] as Node[]).map((property) => (property['value'] ?? property['argument']) as Node);
  if (target.type === 'AssignmentPattern') return [target['left'] as Node];
  if (target.type === 'RestElement') return [target['argument'] as Node];
  return isNode(target['expression']) ? [target['expression'] as Node] : [];
}

export function namesIn(pattern: Node): string[] {
  return pattern.type === 'Identifier' ? [nameOf(pattern)] : patternParts(pattern).flatMap(namesIn);
}

/** The name of a field that is asked for by a name that is written out; null for anything else. */
export function memberName(node: Node): string | null {
  if (node.type !== 'MemberExpression') return null;
  const property = node['property'] as Node;
  if (node['computed'] !== true) return nameOf(property);
  return property.type === 'Literal' && typeof property['value'] === 'string' ? property['value'] : null;
}

/** `a.b.c` as it is written, whatever its names were imported as. */
export function dottedOf(node: Node): string | null {
  const parts: string[] = [];
  let at = node;
  for (; at.type === 'MemberExpression'; at = at['object'] as Node) {
    const name = memberName(at);
    if (name === null || parts.length > MAX_PARTS) return null;
    parts.push(name);
  }
  return at.type === 'Identifier' ? [nameOf(at), ...parts.reverse()].join('.') : null;
}
