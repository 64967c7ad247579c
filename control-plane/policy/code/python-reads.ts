import type { Expression, Statement } from '../../patch/python/tree.js';
import type { Sealed } from './context.js';
import { noReads, type Reads } from './held.js';
import { below, dottedOf, foldText, rootOf, type Names } from './python-names.js';
import type { Scopes } from './python-scopes.js';
import { sealedTeller } from './python-sealed.js';

const CLOCK =
  /^(?:time\.(?:time|perf_counter|monotonic|process_time|thread_time)(?:_ns)?|timeit\.default_timer|datetime\.datetime\.(?:now|utcnow|today)|torch\.cuda\.Event)$/;
const PLAIN_CALL =
  /^(?:min|max|abs|float|int|round|sum|pow|divmod|str|repr|format|bool|len|math\.\w+|time\.\w+|timeit\.\w+|os\.getenv|os\.environ\.get|datetime\.[\w.]+)$/;
const PLAIN_METHOD = /^(?:item|total_seconds|elapsed_time|format|join|get|is_set|any|all)$/;

/** Reads expressions of a file: `place` says in which functions they stand. What asks a sealed module for the time goes to `tellers`. */
export function readerOf(
  statements: readonly Statement[],
  names: Names,
  scopes: Scopes,
  sealed: Sealed,
  tellers: string[],
): (expressions: readonly Expression[], place: { scopes: string[] }) => Reads {
  const { keyOf, isMethod } = scopes;
  const budgets = new Set(sealed.clockNames.map((name) => name.split('.').at(-1) as string));
  const tellsTime = sealedTeller(statements, names, sealed);
  return readsOf;

  function readsOf(expressions: readonly Expression[], place: { scopes: string[] }): Reads {
    const reads = noReads();
    // `root`: that of the attribute around, which is the same for an attribute within it; looked for once, chains may be long.
    const stack: { at: Expression; isDirect: boolean; root?: string | null }[] = expressions.map((at) => ({
      at,
      isDirect: true,
    }));
    for (let entry = stack.pop(); entry; entry = stack.pop()) {
      const { at, isDirect } = entry;
      const add = (key: string) => void (reads.all.push(key), isDirect && reads.direct.push(key));
      const dotted = at.type === 'Name' || at.type === 'Attribute' ? dottedOf(at, names) : null;
      if (dotted !== null && budgets.has(dotted.split('.').at(-1) as string) && isDirect) reads.isBudget = true;
      if (at.type === 'Name' && names.modules.has(at.id)) continue;
      if (at.type === 'Name') add(keyOf(at.id, place.scopes));
      else if (at.type === 'Call') {
        const callee = dottedOf(at.callee, names);
        if (isDirect && callee !== null && CLOCK.test(callee)) reads.isClock = true;
        const tells = tellsTime(at.callee);
        if (tells) {
          tellers.push(keyOf(rootOf(at.callee) ?? '', place.scopes), `.${partOf(at.callee) ?? ''}`);
          if (isDirect) reads.isBudget = true;
        }
        const isMethod = at.callee.type === 'Attribute' && PLAIN_METHOD.test(at.callee.attribute);
        const isPlain = isMethod || (callee !== null && PLAIN_CALL.test(callee));
        if (!isPlain) reads.isPlain = false;
        stack.push({ at: at.callee, isDirect: isDirect && !tells && (isPlain || isOwn(at.callee)) });
        for (const arg of at.args) stack.push({ at: arg.value, isDirect: isDirect && isPlain });
      } else {
        const root = at.type !== 'Attribute' ? null : entry.root === undefined ? rootOf(at) : entry.root;
        const part = root !== null && names.modules.has(root) ? null : partOf(at);
        if (part !== null) {
          add(`.${part}`);
          const owner = at.type === 'Attribute' || at.type === 'Subscript' ? at.value : null;
          if (owner?.type === 'Name') reads.roots.push(keyOf(owner.id, place.scopes));
        }
        if (isDirect && at.type === 'String' && budgets.has(foldText(at) ?? '')) reads.isBudget = true;
        for (const inner of below(at))
          stack.push({
            at: inner,
            isDirect,
            ...(at.type === 'Attribute' && inner.type === 'Attribute' ? { root } : {}),
          });
      }
    }
    return reads;
  }

  /** Whether a callee may be a function or a method of this file, whose answer is told by what it returns. */
  function isOwn(callee: Expression): boolean {
    if (callee.type !== 'Attribute') return callee.type === 'Name';
    return isMethod(callee.attribute);
  }
}

/** The name of an attribute, or of an item by a text that is written out. */
export function partOf(expression: Expression): string | null {
  if (expression.type === 'Attribute') return expression.attribute;
  return expression.type === 'Subscript' ? foldText(expression.index) : null;
}
