import type { PythonModule } from '../../patch/python/parse-python.js';
import type { Block, Expression, Statement } from '../../patch/python/tree.js';
import { tokenText } from './code-text.js';
import type { Finding } from './context.js';
import { below, eachStatement } from './python-names.js';

/** What ends a process that is asked to end; `Exception` is none of them. */
const ENDS = /^(?:KeyboardInterrupt|SystemExit|BaseException|GeneratorExit|BaseExceptionGroup)$/;
/** Methods that say what an object is to arithmetic, to a format or to a library, whoever asks. */
const MEANS =
  /^__(?:format|float|int|index|round|torch_function|torch_dispatch|array_function|array_ufunc|array_wrap|jax_array)__$/;
const MODES = /^torch\.(?:overrides|utils\._python_dispatch)\b|\bregister_module_\w*hook$|\bset_default_tensor_type$/;

/**
 * Code that outlives what the runner says, or answers in the ruler's place: a handler that keeps the end of the process from its caller, and
 * methods that make a value show or compare otherwise than it is.
 */
export function answersPython({ statements, tokens }: PythonModule, imported: ReadonlyMap<string, string>): Finding[] {
  const found: Finding[] = [];
  const add = (key: string, line: number, reason: string) =>
    found.push({ rail: 'sealed', key, line, reason, allowedBy: null, free: 'go' });
  for (const [local, dotted] of imported)
    if (MODES.test(dotted))
      add(`mode ${local}`, 1, `${dotted} changes what a library does for everybody, the evaluator too`);
  eachStatement(statements, (statement) => {
    if (statement.type === 'Compound') handlers(statement.blocks);
    if (statement.type === 'Definition' && statement.keyword === 'class') methods(statement.name, statement.body);
    for (const expression of expressionsOf(statement))
      each(expression, (at) => {
        if (at.type === 'Call' && lastOf(at.callee) === 'suppress' && at.args.some(({ value }) => names(value)))
          add(`suppress|${text(at)}`, at.line, 'it keeps the end of the process from happening');
        if (at.type === 'Attribute' && MODES.test(at.attribute))
          add(
            `mode ${at.attribute}`,
            at.line,
            `${at.attribute} changes what a library does for everybody, the evaluator too`,
          );
      });
  });
  return found;

  function handlers(blocks: readonly Block[]): void {
    const hasLoop = blocks.some(({ keyword, body }) => keyword === 'try' && loops(body));
    for (const { keyword, head, body, line } of blocks) {
      if (keyword !== 'except' && keyword !== 'except*') continue;
      const isEnd = head.length === 0 ? hasLoop : head.some(names);
      const handsOn = body.some((one) => one.type === 'Simple' && (one.keyword === 'raise' || one.values.some(leaves)));
      if (isEnd && !handsOn)
        add(
          `keeps|${head.map(text).join(' ')}`,
          line,
          'it goes on when it is told to end: catch Exception, or raise again',
        );
    }
  }

  function methods(owner: string, body: readonly Statement[]): void {
    for (const one of body) {
      const bound = one.type === 'Assign' ? one.targets.flatMap((at) => (at.type === 'Name' ? [at.id] : [])) : [];
      for (const name of one.type === 'Definition' ? [one.name] : bound)
        if (MEANS.test(name))
          add(`means ${owner}.${name}`, one.line, `${name} makes a value show or compare as something else`);
    }
  }

  function names(expression: Expression): boolean {
    let isFound = false;
    each(expression, (at) => {
      if (ENDS.test(lastOf(at))) isFound = true;
    });
    return isFound;
  }

  function text({ from, to }: Expression): string {
    return tokenText(tokens, from, to);
  }
}

function leaves(expression: Expression): boolean {
  return expression.type === 'Call' && /^(?:exit|_exit|quit)$/.test(lastOf(expression.callee));
}

function loops(body: readonly Statement[]): boolean {
  let isFound = false;
  eachStatement(body, (one) => {
    if (one.type === 'Compound' && /^(?:for|while)$/.test(one.blocks[0]?.keyword ?? '')) isFound = true;
  });
  return isFound;
}

function expressionsOf(statement: Statement): Expression[] {
  if (statement.type === 'Assign') return statement.value ? [statement.value] : [];
  if (statement.type === 'Compound') return statement.blocks.flatMap(({ head }) => head);
  return statement.type === 'Simple' && statement.keyword !== 'raise' ? statement.values : [];
}

function each(expression: Expression, visit: (at: Expression) => void): void {
  const stack = [expression];
  for (let at = stack.pop(); at; at = stack.pop()) {
    visit(at);
    stack.push(...below(at));
  }
}

function lastOf(at: Expression): string {
  return at.type === 'Name' ? at.id : at.type === 'Attribute' ? at.attribute : '';
}
