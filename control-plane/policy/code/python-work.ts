import type { Block, Expression, Statement } from '../../patch/python/tree.js';
import type { Reads } from './held.js';
import { constantsOf } from './python-constant.js';
import { roundsOf } from './python-rounds.js';
import { below, dottedOf, type Names } from './python-names.js';
import { work, type Work } from './work.js';

/** What asks for gradients, or trains in one call. */
const GRADIENT =
  /^(?:backward|grad|value_and_grad|grad_and_value|vjp|jvp|jacrev|jacfwd|hessian|minimize|fit|fit_generator|partial_fit|train_on_batch|apply_gradients)$/;
/** What hands a function on to be called for every item. */
const FOR_EACH = /(?:^|\.)(?:map|filter|starmap|reduce|accumulate|iter|submit|apply_async|scan|fori_loop|while_loop)$/;

/** Stops of a loop, by the block that they end. */
export type StopsOf = (block: Block) => Reads[];

/** The functions and loops of a Python file with the training in them. `textOf` tells a loop's head, `stopsOf` what ends it. */
export function pythonWork(
  statements: readonly Statement[],
  names: Names,
  textOf: (at: { from: number; to: number }) => string,
  stopsOf: StopsOf,
): Work {
  const known = constantsOf(statements, names);
  const rounds = roundsOf(statements, names, known);
  const file = work('function', '', '', 1);
  block(statements, file, '');
  return file;

  function block(body: readonly Statement[], into: Work, path: string): void {
    for (const statement of body) read(statement, into, path);
  }

  function read(statement: Statement, into: Work, path: string): void {
    if (statement.type === 'Definition') {
      const inner = work('function', statement.name, `${path}/${statement.name}`, statement.line);
      for (const decorator of statement.decorators) visit(decorator, into);
      // A class's methods are known by their names, wherever they are called.
      into.inner.push(inner);
      block(statement.body, inner, inner.unit);
    } else if (statement.type === 'Compound')
      for (const part of statement.blocks) {
        if (part.keyword !== 'for' && part.keyword !== 'while') {
          for (const expression of part.head) visit(expression, into);
          block(part.body, into, path);
          continue;
        }
        const loop = work(
          'loop',
          part.keyword,
          `${path}|${part.keyword} ${part.head.map(textOf).join(' ')}`,
          part.line,
          into.owner,
        );
        if (part.keyword === 'for' && part.head[0]) loop.rounds = rounds(part.head[0]);
        loop.stops = stopsOf(part);
        for (const expression of part.head) visit(expression, part.keyword === 'while' ? loop : into);
        into.inner.push(loop);
        block(part.body, loop, path);
      }
    else if (statement.type === 'Assign' && statement.value) {
      visit(statement.value, into);
      alias(statement.targets, statement.value, into);
    } else if (statement.type === 'Simple') for (const value of statement.values) visit(value, into);
  }

  /** A function by another name, compiled or with some arguments given, is that function. */
  function alias(targets: readonly Expression[], value: Expression, into: Work): void {
    const handed = value.type === 'Call' ? value.args.map((arg) => arg.value) : [value];
    const made = work('function', '', '', value.line);
    for (const part of handed) if (part.type === 'Name' || part.type === 'Lambda') visit(part, made);
    if (value.type === 'Call' && /^(?:grad|value_and_grad|grad_and_value)$/.test(lastOf(value.callee)))
      made.trains = true;
    for (const target of targets) if (target.type === 'Name') into.inner.push({ ...made, name: target.id });
  }

  function visit(expression: Expression, into: Work): void {
    const stack: { at: Expression; into: Work }[] = [{ at: expression, into }];
    for (let entry = stack.pop(); entry; entry = stack.pop()) {
      const { at } = entry;
      let { into: here } = entry;
      if (at.type === 'Call') {
        if (GRADIENT.test(lastOf(at.callee))) here.trains = true;
        if (FOR_EACH.test(dottedOf(at.callee, names) ?? lastOf(at.callee))) {
          here = loopIn(here, at);
          here.rounds = Math.min(Infinity, ...at.args.slice(1).map(({ value }) => rounds(value)));
        }
      }
      if (at.type === 'Comprehension') {
        here = loopIn(here, at);
        here.rounds = at.clauses.reduce((product, clause) => product * rounds(clause.iterable), 1);
      }
      if (at.type === 'Name') here.calls.push({ name: at.id, line: at.line });
      // `self.step()` in `step` is that function again, `optimizer.step()` is another's.
      const isOwn = at.type === 'Attribute' && at.value.type === 'Name' && /^(?:self|cls)$/.test(at.value.id);
      if (at.type === 'Attribute' && (isOwn || at.attribute !== here.owner))
        here.calls.push({ name: at.attribute, line: at.line });
      for (const part of below(at)) stack.push({ at: part, into: here });
    }
  }

  function loopIn(into: Work, at: Expression): Work {
    const loop = work('loop', 'each', `|${textOf(at)}`, at.line, into.owner);
    into.inner.push(loop);
    return loop;
  }

  function lastOf(callee: Expression): string {
    return callee.type === 'Attribute'
      ? callee.attribute
      : ((dottedOf(callee, names) ?? '').split('.').at(-1) as string);
  }
}
