import type { Expression, Statement } from '../../patch/python/tree.js';

/** What names mean in a module. Flow is not followed: a name that is imported anywhere may be the import everywhere. */
export interface Names {
  /** Local name to the dotted path that it was imported as. */
  imported: Map<string, string>;
  /** Local names that hold a module for sure. */
  modules: Set<string>;
  /** Local names that are imported as two different things, so that nobody can say which one is meant where. */
  ambiguous: Set<string>;
}

const known = new WeakMap<readonly Statement[], Names>();

export function namesOf(statements: readonly Statement[]): Names {
  const before = known.get(statements);
  if (before) return before;
  const names = collectNames(statements);
  known.set(statements, names);
  return names;
}

function collectNames(statements: readonly Statement[]): Names {
  const names: Names = { imported: new Map(), modules: new Set(), ambiguous: new Set() };
  const set = (local: string, dotted: string) => {
    if ((names.imported.get(local) ?? dotted) !== dotted) names.ambiguous.add(local);
    names.imported.set(local, dotted);
  };
  eachStatement(statements, (statement) => {
    if (statement.type === 'Import')
      for (const { name, as } of statement.names) {
        const local = as ?? (name.split('.')[0] as string);
        set(local, as === null ? local : name);
        names.modules.add(local);
      }
    else if (statement.type === 'From' && statement.names)
      for (const { name, as } of statement.names) {
        const dotted = `${statement.module.replace(/^\.+/, '')}.${name}`;
        set(as ?? name, dotted);
        if (
          /^(?:os\.path|torch\.(?:cuda|random|backends|mps)|numpy\.random|[\w.]*\.?(?:os|sys|time|random|builtins))$/.test(
            dotted,
          )
        )
          names.modules.add(as ?? name);
      }
  });
  return names;
}

/** Statements of a module, those inside others too. Indentation is bounded, so the recursion is. */
export function eachStatement(statements: readonly Statement[], visit: (statement: Statement) => void): void {
  for (const statement of statements) {
    visit(statement);
    if (statement.type === 'Compound') for (const block of statement.blocks) eachStatement(block.body, visit);
    if (statement.type === 'Definition') eachStatement(statement.body, visit);
  }
}

/** `a.b.c` as it was imported, when it begins with a name: `F.relu` is torch.nn.functional.relu. */
export function dottedOf(expression: Expression, names: Names): string | null {
  const attributes: string[] = [];
  let at = expression;
  while (at.type === 'Attribute') {
    attributes.push(at.attribute);
    at = at.value;
    // No name that a rail knows has as many parts, and a chain of thousands is not to be gone through from each of its ends.
    if (attributes.length > 64) return null;
  }
  if (at.type !== 'Name') return null;
  return [names.imported.get(at.id) ?? at.id, ...attributes.reverse()].join('.');
}

/** The name that a chain of attributes, subscripts and calls begins with. */
export function rootOf(expression: Expression): string | null {
  let at = expression;
  for (;;) {
    if (at.type === 'Attribute' || at.type === 'Subscript') at = at.value;
    else if (at.type === 'Call') at = at.callee;
    else return at.type === 'Name' ? at.id : null;
  }
}

/** The text that an expression is for certain: literals, sums of them, and joins of them. */
export function foldText(expression: Expression, depth = 0): string | null {
  if (depth > 200) return null;
  if (expression.type === 'String') {
    let text = '';
    for (const piece of expression.pieces) {
      const part = 'text' in piece && !('type' in piece) ? piece.text : foldText(piece as Expression, depth + 1);
      if (part === null) return null;
      text += part;
    }
    return text;
  }
  if (expression.type === 'Operation' && expression.operator === '+') {
    const parts = expression.operands.map((operand) => foldText(operand, depth + 1));
    return parts.every((part) => part !== null) ? parts.join('') : null;
  }
  if (expression.type === 'Call' && expression.callee.type === 'Attribute' && expression.callee.attribute === 'join') {
    const separator = foldText(expression.callee.value, depth + 1);
    const list = expression.args[0]?.value;
    if (separator === null || list?.type !== 'Collection') return null;
    const parts = list.items.map((item) => foldText(item, depth + 1));
    return parts.every((part) => part !== null) ? parts.join(separator) : null;
  }
  return null;
}

/** Expressions directly below one. */
export function below(expression: Expression): Expression[] {
  switch (expression.type) {
    case 'Attribute':
      return [expression.value];
    case 'Subscript':
      return [expression.value, expression.index];
    case 'Call':
      return [expression.callee, ...expression.args.map((arg) => arg.value)];
    case 'String':
      return expression.pieces.filter((piece) => 'type' in piece);
    case 'Operation':
      return expression.operands;
    case 'Collection':
      return expression.items;
    case 'Comprehension':
      return [
        ...expression.items,
        ...expression.clauses.flatMap((clause) => [clause.target, clause.iterable, ...clause.conditions]),
      ];
    case 'Lambda':
      return [
        ...expression.parameters.flatMap((parameter) => (parameter.default ? [parameter.default] : [])),
        expression.body,
      ];
    case 'Walrus':
      return [expression.value];
    default:
      return [];
  }
}
