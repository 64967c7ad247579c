// Long because a name's owner, its bindings and what they read are found in one walk.
import type { PythonModule } from '../../patch/python/parse-python.js';
import type { Block, Expression, Statement } from '../../patch/python/tree.js';
import { tokenText } from './code-text.js';
import type { Sealed } from './context.js';
import { emptyFlow, noReads, type Binding, type Flow, type Reads } from './held.js';
import { hasWord, isOwnPath } from './literals.js';
import { carriedBy, changedObject, changesOf } from './python-changes.js';
import { constantsOf } from './python-constant.js';
import { below, dottedOf, foldText, namesOf } from './python-names.js';
import { partOf, readerOf } from './python-reads.js';
import { expressionsOf, scopesOf } from './python-scopes.js';
import { pythonWork } from './python-work.js';
import { isNumber, pathText, unknownPlaces } from './python-writers.js';

const ENDS = /^(?:break|raise|continue|return)$/;
const LOOP = /\/(?:while|for)\b/;
const EXIT = /^(?:exit|quit|sys\.exit|os\._exit)$/;

interface Place {
  /** Functions and classes around, the innermost last. */
  scopes: string[];
  /** Loops and conditions around, within the function. */
  guard: string;
  under: readonly Reads[];
  /** Loops around, the innermost last, within the function. */
  loops: readonly Block[];
}
/** How a binding differs from a plain assignment. */
type Extra = Partial<Pick<Binding, 'how' | 'text' | 'carries' | 'isOwnPlace'>>;

/** What a Python file does with its values: bindings by the scope that owns them, comparisons that stop, and what is printed as the metric. */
export function pythonFlow({ statements, tokens }: PythonModule, sealed: Sealed): Flow {
  const flow = emptyFlow();
  const names = namesOf(statements);
  const known = constantsOf(statements, names);
  const scopes = scopesOf(statements);
  const { keyOf, definitionOf, parametersOf } = scopes;
  const readsOf = readerOf(statements, names, scopes, sealed, flow.tellers);
  const text = (from: number, to: number) => tokenText(tokens, from, to);

  const ends = new Map<Block, Reads[]>();
  block(statements, { scopes: [''], guard: '', under: [], loops: [] });
  flow.work = pythonWork(
    statements,
    names,
    ({ from, to }) => text(from, to),
    (loop) => ends.get(loop) ?? [],
  );
  return flow;

  function block(body: readonly Statement[], place: Place): void {
    for (const statement of body) read(statement, place);
  }

  function read(statement: Statement, place: Place): void {
    const { line } = statement;
    if (statement.type === 'Compound') {
      let heads = '';
      const conditions: Expression[] = [];
      for (const part of statement.blocks) {
        const head = part.head.map(({ from, to }) => text(from, to)).join(' ');
        const unit = `${place.guard}|${part.keyword} ${head}`;
        for (const expression of part.head) expressionIn(expression, place, unit);
        const value = readsOf(part.head, place);
        const extra: Extra = part.keyword === 'for' ? { carries: carriedKeys(part.head, place) } : {};
        for (const target of part.targets) bind(target, value, place, unit, extra);
        for (const name of part.binds) bindName(name, value, place, unit, part, extra);
        // A branch is told by all conditions on the way to it, a loop by its kind: how long it goes on is no time's business.
        const isBranch = /^(?:if|elif|else)$/.test(part.keyword);
        if (isBranch) {
          heads += ` ${part.keyword} ${head}`;
          conditions.push(...part.head);
        }
        const effect = isBranch ? effectOf(part.body, LOOP.test(place.guard)) : null;
        if (part.keyword === 'while') stop(part.head, part, place, unit, [part]);
        else if (effect !== null)
          // A break leaves the loop around, all else leaves all.
          stop(
            conditions,
            part,
            place,
            `${place.guard}|${heads} > ${effect}`,
            place.loops.slice(effect === 'break' ? -1 : 0),
          );
        block(part.body, {
          ...place,
          guard: `${place.guard}/${heads === '' ? part.keyword : heads}`,
          under: isBranch ? [...place.under, readsOf(conditions, place)] : place.under,
          loops: /^(?:while|for)$/.test(part.keyword) ? [...place.loops, part] : place.loops,
        });
      }
      return;
    }
    if (statement.type === 'Definition') {
      const unit = `${place.guard}|${statement.keyword} ${statement.name}`;
      bindName(statement.name, noReads(), place, unit, statement);
      const inner = `${place.scopes.at(-1)}/${statement.name}`;
      for (const { name, default: value } of statement.parameters)
        if (value) push(`${inner}#${name}`, name, noReads(), place, text(value.from, value.to), value, placeOf(value));
      block(statement.body, { scopes: [...place.scopes, inner], guard: '', under: [], loops: [] });
      return;
    }
    const unit = `${place.guard}|${text(statement.from, statement.to)}`;
    for (const expression of expressionsOf(statement)) expressionIn(expression, place, unit);
    // A module may be imported again; what comes from one, from there only.
    if (statement.type === 'Import')
      for (const { name, as } of statement.names)
        bindName(as ?? (name.split('.')[0] as string), noReads(), place, `import ${name}`, statement);
    else if (statement.type === 'From')
      for (const { name, as } of statement.names ?? [])
        bindName(as ?? name, noReads(), place, `from ${statement.module} import ${name}`, statement);
    else if (statement.type === 'Assign' && statement.value) {
      const value = readsOf([statement.value, ...(statement.operator === '=' ? [] : statement.targets)], place);
      const extra: Extra = {
        ...placeOf(statement.value),
        how: statement.operator === '=' ? 'set' : 'augment',
        text: text(statement.from, statement.to),
        carries: carriedKeys([statement.value], place),
      };
      for (const target of statement.targets) bind(target, value, place, unit, extra);
    } else if (statement.type === 'Simple' && statement.keyword === 'del')
      for (const target of statement.values) bind(target, noReads(), place, unit);
    else if (statement.type === 'Simple' && statement.keyword === 'return') {
      const scope = place.scopes.at(-1) as string;
      const own = scope.split('/').at(-1) as string;
      if (scope !== '')
        bindName(
          own,
          readsOf(statement.values, place),
          { ...place, scopes: place.scopes.slice(0, -1) },
          unit,
          statement,
          placeOf(statement.values[0]),
        );
    } else if (statement.type === 'Simple' && statement.keyword === 'continue' && place.loops.length > 0)
      flow.skips.push({ unit, from: statement.from, to: (place.loops.at(-1) as Block).to, line });
  }

  function push(
    key: string,
    name: string,
    value: Reads,
    place: Place,
    unit: string,
    at: { from: number; line: number },
    extra: Extra = {},
  ): void {
    const { from, line } = at;
    flow.bindings.push({
      key,
      name,
      unit,
      text: unit,
      from,
      line,
      value,
      how: 'set',
      under: place.under,
      carries: [],
      isOwnPlace: false,
      ...extra,
    });
  }

  function bindName(
    name: string,
    value: Reads,
    place: Place,
    unit: string,
    at: Expression | Statement | Block,
    extra: Extra = {},
  ): void {
    push(keyOf(name, place.scopes), name, value, place, unit, at, extra);
  }

  function bind(target: Expression, value: Reads, place: Place, unit: string, extra: Extra = {}): void {
    if (target.type === 'Name') return bindName(target.id, value, place, unit, target, extra);
    if (target.type === 'Collection') for (const item of target.items) bind(item, value, place, unit, extra);
    else if (target.type === 'Operation') bind(target.operands[0] as Expression, value, place, unit, extra);
    else {
      const name = partOf(target);
      const object = changedObject(target);
      if (name !== null) push(`.${name}`, name, value, place, unit, target, extra);
      if (object !== target) {
        const owner = object.type === 'Name' ? keyOf(object.id, place.scopes) : partOf(object);
        if (owner !== null)
          push(
            object.type === 'Name' ? owner : `.${owner}`,
            partOf(object) ?? owner.replace(/^.*#/, ''),
            value,
            place,
            unit,
            target,
            {
              ...extra,
              how: 'call',
            },
          );
      }
    }
  }

  function carriedKeys(expressions: readonly Expression[], place: Place): string[] {
    return expressions.flatMap(carriedBy).flatMap((at) => {
      if (at.type === 'Name') return [keyOf(at.id, place.scopes)];
      const part = partOf(at);
      return part === null ? [] : [`.${part}`];
    });
  }

  function placeOf(value: Expression | undefined): Extra {
    if (!value) return {};
    const path = pathText(value, names);
    return { isOwnPlace: path === null ? isNumber(value) : isOwnPath(path, sealed) };
  }

  /** What an expression does by the way: walrus, and the metric printed. */
  function expressionIn(expression: Expression, place: Place, unit: string): void {
    // `next`: the first value that is written after it, texts aside.
    const stack: { at: Expression; next: Expression | null }[] = [{ at: expression, next: null }];
    for (let entry = stack.pop(); entry; entry = stack.pop()) {
      const { at } = entry;
      let { next } = entry;
      if (at.type === 'Walrus')
        bindName(at.target, readsOf([at.value], place), place, unit, at, { carries: carriedKeys([at.value], place) });
      if (at.type === 'Call') {
        handOver(at, place);
        changedBy(at, place, unit);
        setting(at, place);
        for (const path of unknownPlaces(at, names, sealed)) flow.places.push(readsOf([path], place));
      }
      const parts = at.type === 'String' ? at.pieces : below(at);
      for (const part of parts.toReversed()) {
        const written = 'type' in part ? textsOf(part) : [part.text];
        if (next && written.some((one) => hasWord(one, sealed.metricName))) flow.printed.push(readsOf([next], place));
        if (!('type' in part)) continue;
        stack.push({ at: part, next });
        if (part.type !== 'String' || foldText(part) === null) next = part;
      }
    }
  }

  /** What a text may say, or a name that is only ever given texts. */
  function textsOf(part: Expression): string[] {
    if (part.type === 'Name') return (known.get(part.id) ?? []).filter((value) => typeof value === 'string');
    const folded = part.type === 'String' ? foldText(part) : null;
    return folded === null ? [] : [folded];
  }

  /** A call that changes its object binds the items by their names, or the object where they are not told. */
  function changedBy(call: Extract<Expression, { type: 'Call' }>, place: Place, unit: string): void {
    for (const { target, parts } of changesOf(call, names)) {
      const value = readsOf(
        call.args.map((arg) => arg.value),
        place,
      );
      const object = changedObject(target);
      const told = parts ?? [partOf(object)];
      for (const part of told)
        if (part !== null) push(`.${part}`, part, value, place, unit, call, { how: 'call' });
        else if (object.type === 'Name') bindName(object.id, value, place, unit, call, { how: 'call' });
    }
  }

  /** An argument of the command line is a field, and its default a value of it. */
  function setting({ callee, args, from, to, line }: Extract<Expression, { type: 'Call' }>, place: Place): void {
    if (callee.type !== 'Attribute' || callee.attribute !== 'add_argument') return;
    const told = args.find(({ keyword }) => keyword === 'dest') ?? args.findLast(({ keyword }) => keyword === null);
    const name = told ? (foldText(told.value)?.replace(/^-+/, '').replaceAll('-', '_') ?? null) : null;
    const value = args.find(({ keyword }) => keyword === 'default')?.value;
    if (name !== null && value)
      push(`.${name}`, name, readsOf([value], place), place, text(from, to), { from, line }, placeOf(value));
  }

  /** A function of this file is given its values where it is called. */
  function handOver(call: Extract<Expression, { type: 'Call' }>, place: Place): void {
    if (call.callee.type !== 'Name') return;
    const inner = definitionOf(call.callee.id, place.scopes);
    if (inner === null) return;
    const parameters = parametersOf(inner);
    const list = [...parameters];
    call.args.forEach((arg, index) => {
      const name = arg.keyword ?? list[index];
      if (name !== undefined && parameters.has(name))
        push(
          `${inner}#${name}`,
          name,
          // What a schedule is called with is no time that is kept.
          { ...readsOf([arg.value], place), isClock: false, isBudget: false, all: [] },
          place,
          // Not the whole call: what else a function is given is no business of this value.
          `${place.guard}|${inner}(${text(arg.value.from, arg.value.to)})`,
          call,
          { ...placeOf(arg.value), carries: carriedKeys([arg.value], place) },
        );
    });
  }

  function stop(
    conditions: readonly Expression[],
    at: Block,
    place: Place,
    unit: string,
    loops: readonly Block[],
  ): void {
    const parts: Reads[] = [];
    const stack = [...conditions];
    for (let part = stack.pop(); part; part = stack.pop())
      if (part.type === 'Operation' && /^(?:and|or|not)$/.test(part.operator)) stack.push(...part.operands);
      else parts.push(readsOf([part], place));
    flow.stops.push({ parts, unit, from: at.from, line: at.line });
    for (const loop of loops) ends.set(loop, [...(ends.get(loop) ?? []), ...parts]);
  }

  /** How a branch leaves what is around it; leaving a function ends something where it leaves a loop. Going on is no end. */
  function effectOf(body: readonly Statement[], isInLoop: boolean): string | null {
    for (const statement of body) {
      if (statement.type !== 'Simple') continue;
      const { keyword, values } = statement;
      const isExit = values.some((value) => value.type === 'Call' && EXIT.test(dottedOf(value.callee, names) ?? ''));
      if (isExit) return 'exit';
      if (ENDS.test(keyword)) return keyword === 'continue' || (keyword === 'return' && !isInLoop) ? null : keyword;
    }
    return null;
  }
}
