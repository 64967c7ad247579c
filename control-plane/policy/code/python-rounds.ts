import type { Expression, Statement } from '../../patch/python/tree.js';
import { constantValues, type Constants } from './python-constant.js';
import { below, dottedOf, eachStatement, type Names } from './python-names.js';

/** What gives its argument's items, as often as it has them. */
const SAME = /^(?:enumerate|list|tuple|reversed|sorted|set|iter|tqdm(?:\.\w+)*|itertools\.chain)$/;
/** Parts of one batch: there are not more of them than its rows. */
const PARTS = /^(?:chunk|split|tensor_split|unbind|array_split|hsplit|vsplit)$/;
const PARTS_ROUNDS = 8;
const GROWS = /^(?:append|extend|insert|appendleft|put|add)$/;

/** How often a loop over an expression goes round at most, as far as it is written out; Infinity where it is not. */
export function roundsOf(
  statements: readonly Statement[],
  names: Names,
  known: Constants,
): (iterable: Expression) => number {
  const { given, open } = assigned(statements);
  let settled: Constants = new Map([...known].filter(([name]) => given.has(name) && !open.has(name)));
  for (let before = -1; before !== settled.size;) {
    before = settled.size;
    const isSettled = (name: string) =>
      given.get(name)?.every((value) => constantValues(value, settled, names).length > 0) === true;
    settled = new Map([...settled].filter(([name]) => isSettled(name)));
  }
  return (iterable) => of(iterable, 0);

  function of(at: Expression, depth: number): number {
    if (depth > 8) return Infinity;
    const inner = (part: Expression | undefined) => (part ? of(part, depth + 1) : Infinity);
    if (at.type === 'Collection') return at.items.some(({ type }) => type === 'Operation') ? Infinity : at.items.length;
    if (at.type === 'Comprehension') return at.clauses.reduce((product, { iterable }) => product * inner(iterable), 1);
    if (at.type === 'Name') {
      const values = given.get(at.id) ?? [];
      return values.length === 0 || open.has(at.id) ? Infinity : Math.max(...values.map(inner));
    }
    if (at.type !== 'Call') return Infinity;
    const dotted = dottedOf(at.callee, names) ?? '';
    const args = at.args.map(({ value }) => value);
    if (dotted === 'range') return range(args);
    if (dotted === 'zip') return Math.min(Infinity, ...args.map(inner));
    if (dotted === 'itertools.repeat' && args[1]) return greatest(args[1]);
    if (dotted === 'itertools.islice' && args[1]) return greatest(args.length === 2 ? args[1] : args[2]);
    if (SAME.test(dotted))
      return args.slice(0, dotted === 'itertools.chain' ? 9 : 1).reduce((sum, part) => sum + inner(part), 0);
    return at.callee.type === 'Attribute' && PARTS.test(at.callee.attribute) ? PARTS_ROUNDS : Infinity;
  }

  function range([first, second, third]: Expression[]): number {
    if (!first) return Infinity;
    const [from, to] = second ? [least(first), greatest(second)] : [0, greatest(first)];
    const step = third ? least(third) : 1;
    return step > 0 ? Math.max(0, Math.ceil((to - from) / step)) : Infinity;
  }

  function greatest(at: Expression | undefined): number {
    const values = at ? constantValues(at, settled, names) : [];
    return values.length > 0 && values.every((value) => typeof value === 'number') ? Math.max(...values) : Infinity;
  }

  function least(at: Expression): number {
    const values = constantValues(at, settled, names);
    return values.length > 0 && values.every((value) => typeof value === 'number') ? Math.min(...values) : 0;
  }
}

/** What each name is assigned, and the names that are given values otherwise too: by a call, a loop, a sum, or in place. */
function assigned(statements: readonly Statement[]): { given: Map<string, Expression[]>; open: Set<string> } {
  const given = new Map<string, Expression[]>();
  const open = new Set<string>();
  const give = (target: Expression, value: Expression | null): void => {
    if (target.type === 'Name' && value) given.set(target.id, [...(given.get(target.id) ?? []), value]);
    else if (target.type === 'Name') open.add(target.id);
    else if (target.type === 'Collection') {
      const items = value?.type === 'Collection' && value.items.length === target.items.length ? value.items : [];
      target.items.forEach((item, at) => give(item, items[at] ?? null));
    } else if (target.type === 'Operation' && target.operands[0]) give(target.operands[0], null);
  };
  const walk = (expression: Expression): void => {
    const stack = [expression];
    for (let at = stack.pop(); at; at = stack.pop()) {
      if (at.type === 'Walrus') open.add(at.target);
      if (at.type === 'Call' && at.callee.type === 'Attribute' && GROWS.test(at.callee.attribute))
        if (at.callee.value.type === 'Name') open.add(at.callee.value.id);
      stack.push(...below(at));
    }
  };
  eachStatement(statements, (statement) => {
    if (statement.type === 'Assign' && statement.value) {
      walk(statement.value);
      for (const target of statement.targets) give(target, statement.operator === '=' ? statement.value : null);
    } else if (statement.type === 'Simple') statement.values.forEach(walk);
    else if (statement.type === 'Definition') for (const { name } of statement.parameters) open.add(name);
    else if (statement.type === 'Compound')
      for (const part of statement.blocks) {
        part.head.forEach(walk);
        for (const target of part.targets) give(target, null);
        for (const name of part.binds) open.add(name);
      }
  });
  return { given, open };
}
