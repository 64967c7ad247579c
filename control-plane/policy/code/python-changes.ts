import type { Expression } from '../../patch/python/tree.js';
import { dottedOf, foldText, type Names } from './python-names.js';

/** An object that a call changes: the items or fields by name, or null where they are not told. */
export interface Change {
  target: Expression;
  parts: string[] | null;
}
type Call = Extract<Expression, { type: 'Call' }>;

const METHODS = new Set(
  (
    'update setdefault pop popitem clear append extend insert remove sort reverse move_to_end appendleft extendleft add discard push set fill ' +
    'put itemset resize partition setfield __setitem__ __delitem__ __setattr__ __delattr__ __setstate__ __ior__ __iadd__ __isub__ __imul__ __itruediv__ ' +
    '__ifloordiv__ __imod__ __ipow__ __iand__ __ixor__'
  ).split(' '),
);
/** Methods whose first argument is the item or field. */
const BY_NAME = /^(?:setdefault|pop|__setitem__|__delitem__|__setattr__|__delattr__|setitem|delitem|setattr|delattr)$/;
const FUNCTIONS =
  /^(?:operator\.(?:setitem|delitem|i\w+)|numpy\.(?:copyto|put|place|putmask|fill_diagonal|put_along_axis)|heapq\.\w+|bisect\.insort\w*|random\.shuffle|setattr|delattr)$/;
const CLASSES = /^(?:dict|list|set|object|type|bytearray|collections\.\w+|torch\.Tensor|numpy\.ndarray)$/;
/** What shares the memory of its object. */
const VIEWS = /^(?:data|real|imag|flat|T|mT|view|detach|reshape|squeeze|unsqueeze|flatten|ravel|numpy|expand_as)$/;

/** What a call changes in place: `figures.update(…)`, `dict.__setitem__(figures, …)`, `loss.mul_(0.9)`, `torch.mul(…, out=loss)`. */
export function changesOf(call: Call, names: Names): Change[] {
  const { callee, args } = call;
  const found: Change[] = args
    .filter(({ keyword }) => keyword === 'out')
    .map(({ value }) => ({ target: value, parts: null }));
  const dotted = dottedOf(callee, names);
  const first = args[0]?.value;
  if (dotted !== null && FUNCTIONS.test(dotted) && first) {
    found.push({ target: first, parts: partsOf(dotted.split('.').at(-1) as string, call, 1) });
    return found;
  }
  if (callee.type !== 'Attribute') return found;
  const { attribute: method, value: object } = callee;
  const isTorch = /^[a-z]\w*[a-z0-9]_$/.test(method);
  if (!METHODS.has(method) && !isTorch) return found;
  const owner = dottedOf(object, names);
  const isOfClass = owner !== null && (CLASSES.test(owner) || (isTorch && /^torch\b/.test(owner)));
  if (!isOfClass) found.push({ target: object, parts: partsOf(method, call, 0) });
  else if (first) found.push({ target: first, parts: partsOf(method, call, 1) });
  return found;
}

/** The object that a change reaches, beneath what only shows it otherwise: `loss.data[0]` is `loss`. */
export function changedObject(target: Expression): Expression {
  let at = target;
  for (;;) {
    if (at.type === 'Subscript' && foldText(at.index) === null) at = at.value;
    else if (at.type === 'Attribute' && VIEWS.test(at.attribute)) at = at.value;
    else if (at.type === 'Call' && at.callee.type === 'Attribute' && VIEWS.test(at.callee.attribute))
      at = at.callee.value;
    else return at;
  }
}

/** Names whose object an expression hands on as it is, not a copy or a figure made of it. */
export function carriedBy(expression: Expression): Expression[] {
  const found: Expression[] = [];
  const stack = [expression];
  for (let at = stack.pop(); at; at = stack.pop()) {
    if (at.type === 'Name') found.push(at);
    else if (at.type === 'Attribute' || at.type === 'Subscript') {
      // A part that is told is handed on alone; of one that is not it may be any.
      const isTold = at.type === 'Attribute' ? !VIEWS.test(at.attribute) : foldText(at.index) !== null;
      if (isTold) found.push(at);
      else stack.push(at.value);
    } else if (at.type === 'Collection') stack.push(...at.items);
    else if (at.type === 'Walrus') stack.push(at.value);
    else if (at.type === 'Operation' && /^(?:if-else|and|or|\*_)$/.test(at.operator)) stack.push(...at.operands);
    else if (at.type === 'Call' && at.callee.type === 'Attribute' && VIEWS.test(at.callee.attribute))
      stack.push(at.callee.value);
  }
  return found;
}

function partsOf(method: string, { args }: Call, from: number): string[] | null {
  const rest = args.slice(from);
  if (BY_NAME.test(method)) {
    const name = rest[0] && rest[0].stars === 0 ? foldText(rest[0].value) : null;
    return name === null ? null : [name];
  }
  if (method !== 'update' && method !== '__ior__') return null;
  const parts: string[] = [];
  for (const { keyword, stars, value } of rest) {
    if (keyword !== null) parts.push(keyword);
    else if (stars > 0 || value.type !== 'Collection' || value.form !== 'dict') return null;
    else {
      for (let at = 0; at < value.items.length; at += 2) {
        const key = foldText(value.items[at] as Expression);
        if (key === null) return null;
        parts.push(key);
      }
    }
  }
  return parts;
}
