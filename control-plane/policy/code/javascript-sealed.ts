import { isNode, lineOf, walk, type JavascriptModule, type Node } from '../../patch/javascript/parse-javascript.js';
import type { Finding, Sealed } from './context.js';
import { asking, isHeldOut, TELLS } from './held-out.js';
import { constantsOf, constantValues } from './javascript-constant.js';
import { dottedOf, memberName, nameOf, rootName, sealedNames } from './javascript-names.js';

/** Whether a callee is a sealed module's clock: `progress`, `training.progress`. */
export function sealedTeller(program: Node, path: string, sealed: Sealed): (callee: Node) => boolean {
  const { locals, objects } = sealedNames(program, path, sealed);
  return (callee) => {
    const root = rootName(callee);
    if (root === null || (!locals.has(root) && !objects.has(root))) return false;
    return TELLS.test(memberName(callee) ?? (callee.type === 'Identifier' ? nameOf(callee) : ''));
  };
}

/** The same for JavaScript and TypeScript as `askedPython`. */
export function askedJavascript({ program }: JavascriptModule, path: string, sealed: Sealed): Finding[] {
  const { locals, objects } = sealedNames(program, path, sealed);
  if (locals.size === 0) return [];
  const known = constantsOf(program);
  const found: Finding[] = [];
  const isSealed = (node: Node) => {
    const root = /^(?:Identifier|MemberExpression)$/.test(node.type) ? rootName(node) : null;
    return root !== null && (locals.has(root) || objects.has(root));
  };
  walk(program, (node, parent) => {
    if (node.type.startsWith('Import')) return false;
    // The longest chain is looked at once, not again for each of its beginnings.
    if (parent?.type === 'MemberExpression' && node.type === 'MemberExpression' && parent['object'] === node)
      return true;
    if (node.type === 'CallExpression' && isSealed(node['callee'] as Node))
      asked(node, dottedOf(node['callee'] as Node) ?? '');
    if (node.type === 'MemberExpression' && isSealed(node) && isHeldOut(memberName(node) ?? ''))
      add(`part ${dottedOf(node)}`, node, `it takes ${dottedOf(node)} from what is sealed`);
    const isCallee = parent?.['callee'] === node || parent?.type === 'MemberExpression';
    const isDeclared = isNode(parent?.['id']) && parent['id'] === node;
    if (node.type === 'Identifier' && locals.has(nameOf(node)) && !isCallee && !isDeclared && parent?.['key'] !== node)
      add(`handed ${nameOf(node)}`, node, `${nameOf(node)}, which is sealed, is handed on`, `asked ${nameOf(node)}`);
    return true;
  });
  return found;

  function asked(call: Node, dotted: string): void {
    (call['arguments'] as Node[]).forEach((argument, index) => {
      const texts = constantValues(argument, known).filter((one) => typeof one === 'string');
      const place = `asked ${dotted} ${index}`;
      if (texts.length === 0)
        return add(`${place} computed`, call, `it computes what ${dotted}, which is sealed, is asked for`, place);
      for (const key of [place, `asked ${dotted}`])
        found.push({ ...asking(key, { line: lineOf(call) }, ''), free: 'both' });
      for (const text of texts.filter(isHeldOut))
        add(`${place} "${text}"`, call, `it asks ${dotted}, which is sealed, for ${JSON.stringify(text)}`);
    });
  }

  function add(key: string, node: Node, reason: string, where?: string): void {
    found.push(asking(key, { line: lineOf(node) }, reason, where));
  }
}
