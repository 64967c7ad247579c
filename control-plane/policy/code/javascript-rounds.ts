import { isNode, walk, type Node } from '../../patch/javascript/parse-javascript.js';
import { constantValues, type Constants } from './javascript-constant.js';
import { memberName, nameOf, namesIn, unwrapped } from './javascript-names.js';

/** How often a loop, or a call with a function for every item, goes round at most, as far as it is written out; Infinity where it is not. */
export function roundsOf(program: Node, known: Constants): (node: Node) => number {
  const open = openNames(program);
  const settled: Constants = new Map([...known].filter(([name]) => !open.has(name)));
  return (node) => {
    if (node.type === 'ForStatement') return counted(node);
    if (node.type === 'ForOfStatement' || node.type === 'ForInStatement') return itemsOf(node['right'] as Node);
    if (node.type !== 'CallExpression') return Infinity;
    const callee = node['callee'] as Node;
    if (memberName(callee) !== 'from')
      return callee.type === 'MemberExpression' ? itemsOf(callee['object'] as Node) : Infinity;
    const [first] = node['arguments'] as Node[];
    const length =
      first?.type === 'ObjectExpression' ? ((first['properties'] as Node[])[0]?.['value'] as Node | undefined) : first;
    return length?.type === 'ArrayExpression' ? itemsOf(length) : greatest(length);
  };

  /** `for (let i = 0; i < N; i++)`, whose count nothing else touches. */
  function counted(loop: Node): number {
    const [test, update] = [loop['test'], loop['update']];
    if (!isNode(test) || !isNode(update) || test.type !== 'BinaryExpression' || !/^<=?$/.test(String(test['operator'])))
      return Infinity;
    const counter = test['left'] as Node;
    const counts = update.type === 'UpdateExpression' && update['operator'] === '++' && (update['argument'] as Node);
    if (counter.type !== 'Identifier' || !counts || nameOf(counts) !== nameOf(counter)) return Infinity;
    let isTouched = false;
    walk(loop['body'] as Node, (node) => {
      const target =
        node.type === 'AssignmentExpression'
          ? node['left']
          : node.type === 'UpdateExpression'
            ? node['argument']
            : null;
      if (isNode(target) && namesIn(target).includes(nameOf(counter))) isTouched = true;
    });
    const begins =
      isNode(loop['init']) && loop['init'].type === 'VariableDeclaration'
        ? (loop['init']['declarations'] as Node[])[0]
        : null;
    const from = begins && isNode(begins['init']) ? constantValues(begins['init'], settled)[0] : undefined;
    return isTouched || typeof from !== 'number'
      ? Infinity
      : greatest(test['right'] as Node) - from + (test['operator'] === '<=' ? 1 : 0);
  }

  function itemsOf(list: Node): number {
    const at = unwrapped(list);
    if (at.type === 'ArrayExpression')
      return (at['elements'] as (Node | null)[]).some((item) => item?.type === 'SpreadElement')
        ? Infinity
        : (at['elements'] as Node[]).length;
    const values = constantValues(at, settled);
    return values.length > 0 && values.every(Array.isArray)
      ? Math.max(...values.map((value) => (value as unknown[]).length))
      : Infinity;
  }

  function greatest(at: Node | undefined): number {
    const values = at ? constantValues(at, settled) : [];
    return values.length > 0 && values.every((value) => typeof value === 'number')
      ? Math.max(...(values as number[]))
      : Infinity;
  }
}

/** Names that are given values otherwise than by a declaration with a constant: parameters, sums, loops, patterns, or in place. */
function openNames(program: Node): Set<string> {
  const open = new Set<string>();
  const add = (target: unknown) => isNode(target) && namesIn(target).forEach((name) => open.add(name));
  walk(program, (node, parent) => {
    if (/Function/.test(node.type))
      for (const parameter of (node['params'] as Node[] | undefined) ?? []) add(parameter);
    if (node.type === 'AssignmentExpression') add(node['left']);
    if (node.type === 'UpdateExpression') add(node['argument']);
    if (node.type === 'CatchClause') add(node['param']);
    if (node.type === 'VariableDeclarator' && (!isNode(node['init']) || (node['id'] as Node).type !== 'Identifier'))
      add(node['id']);
    if (/^For(?:In|Of)Statement$/.test(parent?.type ?? '') && node === parent?.['left']) add(node);
    const callee = node['callee'];
    if (isNode(callee) && /^(?:push|unshift|splice|fill)$/.test(memberName(callee) ?? '')) add(callee['object']);
  });
  return open;
}
