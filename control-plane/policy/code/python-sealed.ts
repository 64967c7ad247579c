import type { PythonModule } from '../../patch/python/parse-python.js';
import type { Expression, Statement } from '../../patch/python/tree.js';
import type { Finding, Sealed } from './context.js';
import { constantsOf, constantValues } from './python-constant.js';
import { asking, isHeldOut, TELLS } from './held-out.js';
import { below, dottedOf, eachStatement, namesOf, rootOf, type Names } from './python-names.js';

/** Local names that come from a sealed module, and those that hold what one of them made. */
export function sealedNames(
  statements: readonly Statement[],
  names: Names,
  { sealedFiles }: Sealed,
): { locals: Set<string>; objects: Set<string> } {
  const modules = sealedFiles
    .filter((path) => path.endsWith('.py'))
    .map((path) => path.replace(/\.py$/, '').replaceAll('/', '.'));
  const isSealed = (dotted: string) =>
    modules.some((name) => dotted === name || dotted.startsWith(`${name}.`) || dotted.includes(`.${name}.`));
  const locals = new Set([...names.imported].filter(([, dotted]) => isSealed(dotted)).map(([local]) => local));
  const objects = new Set<string>();
  eachStatement(statements, (statement) => {
    if (statement.type !== 'Assign' || statement.value?.type !== 'Call') return;
    const root = rootOf(statement.value.callee);
    if (root === null || !locals.has(root)) return;
    for (const target of statement.targets) if (target.type === 'Name') objects.add(target.id);
  });
  return { locals, objects };
}

/** Whether a callee is a sealed module's clock: `progress`, `training.progress`. */
export function sealedTeller(
  statements: readonly Statement[],
  names: Names,
  sealed: Sealed,
): (callee: Expression) => boolean {
  const { locals, objects } = sealedNames(statements, names, sealed);
  return (callee) => {
    const root = rootOf(callee);
    if (root === null || (!locals.has(root) && !objects.has(root))) return false;
    return TELLS.test((dottedOf(callee, names) ?? '').split('.').at(-1) as string);
  };
}

/**
 * What a sealed module is asked for: data that is held out by its name, by a text that the base writes out and the patch computes, or by a
 * function that is handed on where nobody sees what it is asked for.
 */
export function askedPython({ statements }: PythonModule, sealed: Sealed): Finding[] {
  const names = namesOf(statements);
  const known = constantsOf(statements, names);
  const { locals, objects } = sealedNames(statements, names, sealed);
  const found: Finding[] = [];
  const isSealed = (at: Expression) => {
    const root = at.type === 'Name' || at.type === 'Attribute' ? rootOf(at) : null;
    return root !== null && (locals.has(root) || objects.has(root));
  };
  const stack: { at: Expression; isCallee: boolean }[] = [];
  for (const at of allExpressions(statements)) stack.push({ at, isCallee: false });
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const { at, isCallee } = entry;
    if (at.type === 'Call' && isSealed(at.callee)) found.push(...asked(at, dottedOf(at.callee, names) ?? ''));
    if (isSealed(at)) {
      const dotted = dottedOf(at, names) ?? '';
      if (!isCallee)
        found.push(asking(`handed ${dotted}`, at, `${dotted}, which is sealed, is handed on`, `asked ${dotted}`));
      const part = at.type === 'Attribute' ? at.attribute : '';
      if (isHeldOut(part)) found.push(asking(`part ${dotted}`, at, `it takes ${dotted} from what is sealed`));
    } else if (at.type === 'Attribute') {
      // A chain is walked to its root once.
      let inner = at.value;
      while (inner.type === 'Attribute') inner = inner.value;
      stack.push({ at: inner, isCallee: false });
    } else for (const part of below(at)) stack.push({ at: part, isCallee: at.type === 'Call' && part === at.callee });
  }
  return found;

  function asked(call: Extract<Expression, { type: 'Call' }>, dotted: string): Finding[] {
    return call.args.flatMap(({ keyword, stars, value }, index) => {
      const texts = stars > 0 ? [] : constantValues(value, known, names).filter((one) => typeof one === 'string');
      const place = `asked ${dotted} ${keyword ?? index}`;
      if (texts.length === 0)
        return [asking(`${place} computed`, call, `it computes what ${dotted}, which is sealed, is asked for`, place)];
      const markers = [place, `asked ${dotted}`].map((key) => ({ ...asking(key, call, ''), free: 'both' as const }));
      return [
        ...markers,
        ...texts
          .filter(isHeldOut)
          .map((text) =>
            asking(`${place} "${text}"`, call, `it asks ${dotted}, which is sealed, for ${JSON.stringify(text)}`),
          ),
      ];
    });
  }
}

function allExpressions(statements: readonly Statement[]): Expression[] {
  const found: Expression[] = [];
  eachStatement(statements, (statement) => {
    if (statement.type === 'Assign' && statement.value) found.push(statement.value);
    if (statement.type === 'Simple') found.push(...statement.values);
    if (statement.type === 'Compound') for (const part of statement.blocks) found.push(...part.head);
    if (statement.type === 'Definition')
      for (const { default: value } of statement.parameters) if (value) found.push(value);
  });
  return found;
}
