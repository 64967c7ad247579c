import type { Expression, Statement } from '../../patch/python/tree.js';
import { dottedOf, eachStatement, type Names } from './python-names.js';
import { computed, itemAt, listOf, reversed, shownAs } from './arithmetic.js';
import { combined, MAX_VALUES, plainNumber, textMethod, type Constant } from './constant.js';

/** What names may hold when they are only ever given what is written out; a name that is given anything else is not in it. */
export type Constants = ReadonlyMap<string, readonly Constant[]>;
type Call = Extract<Expression, { type: 'Call' }>;
/** More parts of one sum than these are not looked at. */
const MAX_PARTS = 512;
/** Several rails ask for them of the same module. */
const collected = new WeakMap<readonly Statement[], Constants>();

/** Reads the assignments of a module in their order; whose a name is, is not asked: every value that stands anywhere is possible. */
export function constantsOf(statements: readonly Statement[], names: Names): Constants {
  const before = collected.get(statements);
  if (before) return before;
  const known = collectConstants(statements, names);
  collected.set(statements, known);
  return known;
}

function collectConstants(statements: readonly Statement[], names: Names): Constants {
  const known = new Map<string, readonly Constant[]>();
  const give = (name: string, values: readonly Constant[]) =>
    known.set(name, [...(known.get(name) ?? []), ...values].slice(0, MAX_VALUES));
  eachStatement(statements, (statement) => {
    if (statement.type === 'Assign' && statement.value) {
      const values = constantValues(statement.value, known, names);
      for (const target of statement.targets)
        if (target.type === 'Name' && statement.operator === '=') give(target.id, values);
        else if (target.type === 'Name' && statement.operator === '+=')
          give(
            target.id,
            combined([known.get(target.id) ?? [], values], ([a, b]) => sum(a, b)),
          );
        else if (target.type === 'Collection')
          for (const value of values)
            if (Array.isArray(value))
              target.items.forEach((item, at) => item.type === 'Name' && give(item.id, value.slice(at, at + 1)));
    }
    if (statement.type === 'Compound')
      for (const { keyword, head, targets } of statement.blocks)
        if (keyword === 'for' && head[0] && targets[0]?.type === 'Name')
          for (const list of constantValues(head[0], known, names))
            give(targets[0].id, Array.isArray(list) ? list : []);
  });
  return known;
}

/** All that an expression can come to, as far as it is made of constants: texts (bytes too), numbers and lists. Nothing where it is not. */
export function constantValues(expression: Expression, known: Constants, names: Names, depth = 0): readonly Constant[] {
  if (depth > 60) return [];
  const of = (part: Expression | undefined) => (part ? constantValues(part, known, names, depth + 1) : []);
  const all = (parts: readonly Expression[], make: (values: Constant[]) => Constant | null) =>
    combined(parts.map(of), make);
  switch (expression.type) {
    case 'Constant': {
      const number = plainNumber(expression.text);
      return number === null ? [] : [number];
    }
    case 'String':
      return combined(
        expression.pieces.map((piece) => ('type' in piece ? shownAs(of(piece)) : [piece.text])),
        (parts) => parts.map(String).join(''),
      );
    case 'Name':
      return known.get(expression.id) ?? [];
    case 'Walrus':
      return of(expression.value);
    case 'Collection':
      return expression.form === 'dict' ? [] : all(expression.items, (items) => items);
    case 'Subscript': {
      const { index } = expression;
      if (index.type === 'Operation' && index.operator === 'slice') {
        const [step] = index.operands.slice(-1).flatMap(of);
        // Of a slice only the one that turns round is told; another one may be anything of it.
        return step === -1 ? combined([of(expression.value)], ([value]) => reversed(value)) : of(expression.value);
      }
      return all([expression.value, index], ([value, at]) => (typeof at === 'number' ? itemAt(value, at) : null));
    }
    case 'Operation': {
      const { operator, operands } = expression;
      if (operator === 'if-else') return [...of(operands[0]), ...of(operands[2])].slice(0, MAX_VALUES);
      if (operator === '-_') return all(operands, ([value]) => (typeof value === 'number' ? -value : null));
      if (operator === '+') {
        const parts = summands(operands).map(of);
        const isText = parts.some((values) => typeof values[0] === 'string');
        return combined(isText ? parts.map(shownAs) : parts, (values) => values.reduce<Constant | null>(sum, null));
      }
      if (operator === '%' && operands[1]?.type === 'Collection')
        return combined([of(operands[0]), ...operands[1].items.map(of).map(shownAs)], ([text, ...given]) =>
          typeof text === 'string' ? textMethod(text, '%', given) : null,
        );
      return operands.length === 2 ? all(operands, ([a, b]) => computed(operator, a, b)) : [];
    }
    case 'Comprehension': {
      const [clause, other] = expression.clauses;
      const item = expression.items[0];
      if (!clause || other || !item || clause.target.type !== 'Name') return [];
      const { id } = clause.target;
      return combined([of(clause.iterable)], ([list]) => {
        const items = listOf(list).map(
          (value) => constantValues(item, new Map([...known, [id, [value]]]), names, depth + 1)[0],
        );
        return items.every((value) => value !== undefined) ? items : null;
      });
    }
    case 'Call':
      return called(expression, of, names);
    default:
      return [];
  }
}

function called(
  call: Call,
  of: (part: Expression | undefined) => readonly Constant[],
  names: Names,
): readonly Constant[] {
  const { callee, args } = call;
  if (args.some(({ stars }) => stars > 1)) return [];
  const dotted = dottedOf(callee, names) ?? '';
  const values = args.map(({ value }) => value);
  if (dotted === 'map' && values.length === 2)
    return combined([of(values[1])], ([list]) =>
      /^(?:chr|str|ord)$/.test(dottedOf(values[0] as Expression, names) ?? '')
        ? listOf(list).map((item) =>
            typeof item === 'number' ? String.fromCodePoint(Math.max(0, Math.min(item, 0x10ffff))) : item,
          )
        : null,
    );
  const one = (make: (value: Constant) => Constant | null) =>
    combined([of(values[0])], ([value]) => make(value as Constant));
  if (dotted === 'chr')
    return one((at) => (typeof at === 'number' && at >= 0 && at < 0x110000 ? String.fromCodePoint(at) : null));
  if (/^(?:str|repr|format|int)$/.test(dotted)) return one((value) => (Array.isArray(value) ? null : value));
  if (/^(?:list|tuple|iter)$/.test(dotted)) return one(listOf);
  if (dotted === 'reversed') return one((value) => listOf(value).toReversed());
  if (/^(?:bytes|bytearray)$/.test(dotted))
    return one((value) =>
      Array.isArray(value) ? String.fromCharCode(...value.map(Number)) : typeof value === 'string' ? value : null,
    );
  if (/^(?:bytes|bytearray)\.fromhex$|^binascii\.unhexlify$/.test(dotted))
    return one((value) => textMethod(String(value), 'fromhex', []));
  if (/^base64\.(?:b64decode|standard_b64decode|urlsafe_b64decode)$|^binascii\.a2b_base64$/.test(dotted))
    return one((value) => textMethod(String(value), 'atob', []));
  if (callee.type !== 'Attribute') return [];
  const isClassCall = /^(?:str|bytes)$/.test(dottedOf(callee.value, names) ?? '');
  const [object, ...rest] = isClassCall ? values : [callee.value, ...values];
  const named = new Map(args.flatMap(({ keyword }, at) => (keyword === null ? [] : [[keyword, at] as const])));
  return combined([of(object), ...rest.map(of).map(shownAs)], ([text, ...given]) =>
    typeof text === 'string' ? textMethod(text, callee.attribute, given, named) : null,
  );
}

function sum(a: Constant | null | undefined, b: Constant | undefined): Constant | null {
  if (a === null || a === undefined) return b ?? null;
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  return typeof a === 'string' && typeof b === 'string' ? a + b : null;
}

/** The parts of a sum of sums, as it is written. */
function summands(operands: readonly Expression[]): Expression[] {
  const parts: Expression[] = [];
  const stack = operands.toReversed();
  for (let at = stack.pop(); at && parts.length < MAX_PARTS; at = stack.pop())
    if (at.type === 'Operation' && at.operator === '+') stack.push(...at.operands.toReversed());
    else parts.push(at);
  return parts;
}
