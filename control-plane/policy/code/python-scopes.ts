import type { Expression, Statement } from '../../patch/python/tree.js';
import { below, eachStatement } from './python-names.js';

/** Whose a name is: functions and classes of a file, each by its path. */
export interface Scopes {
  /** A name's key, seen from the innermost of these functions; a class's own names are fields. */
  keyOf: (name: string, scopes: readonly string[]) => string;
  /** The function of this file that a name calls. */
  definitionOf: (name: string, scopes: readonly string[]) => string | null;
  /** Of all functions that are called as this one is. */
  parametersOf: (scope: string) => ReadonlySet<string>;
  isMethod: (name: string) => boolean;
}

const NO_NAMES: ReadonlySet<string> = new Set();

export function scopesOf(statements: readonly Statement[]): Scopes {
  const owners = new Map<string, Set<string>>([['', new Set()]]);
  const classes = new Set<string>();
  declare(statements, '');
  const parameters = parametersByName(statements);
  const methods = new Set<string>();
  for (const scope of owners.keys()) {
    const end = scope.lastIndexOf('/');
    if (end >= 0 && classes.has(scope.slice(0, end))) methods.add(scope.slice(end + 1));
  }
  const isMethod = (name: string) => methods.has(name);
  return { keyOf, definitionOf, parametersOf, isMethod };

  function declare(body: readonly Statement[], scope: string): void {
    const own = owners.get(scope) ?? new Set<string>();
    owners.set(scope, own);
    const outer = new Set<string>();
    const inScope = (list: readonly Statement[]): void => {
      for (const statement of list) {
        if (statement.type === 'Scope') for (const name of statement.names) outer.add(name);
        if (statement.type === 'Import')
          for (const { name, as } of statement.names) own.add(as ?? (name.split('.')[0] as string));
        if (statement.type === 'From') for (const { name, as } of statement.names ?? []) own.add(as ?? name);
        if (statement.type === 'Assign') for (const target of statement.targets) targetNames(target, own);
        for (const expression of expressionsOf(statement)) walrus(expression, own);
        if (statement.type === 'Compound')
          for (const part of statement.blocks) {
            for (const target of part.targets) targetNames(target, own);
            for (const name of part.binds) own.add(name);
            inScope(part.body);
          }
        if (statement.type === 'Definition') {
          own.add(statement.name);
          const inner = `${scope}/${statement.name}`;
          if (statement.keyword === 'class') classes.add(inner);
          owners.set(inner, new Set(statement.parameters.map(({ name }) => name)));
          declare(statement.body, inner);
        }
      }
    };
    inScope(body);
    if (scope !== '') for (const name of outer) own.delete(name);
  }

  function keyOf(name: string, scopes: readonly string[]): string {
    for (let at = scopes.length - 1; at > 0; at--) {
      const scope = scopes[at] as string;
      if (classes.has(scope) && at < scopes.length - 1) continue;
      if (owners.get(scope)?.has(name)) return classes.has(scope) ? `.${name}` : `${scope}#${name}`;
    }
    return `#${name}`;
  }

  function definitionOf(name: string, scopes: readonly string[]): string | null {
    for (let at = scopes.length - 1; at >= 0; at--) {
      const inner = `${scopes[at]}/${name}`;
      if (owners.has(inner) && !classes.has(inner)) return inner;
    }
    return null;
  }

  function parametersOf(scope: string): ReadonlySet<string> {
    return parameters.get(scope.split('/').at(-1) as string) ?? NO_NAMES;
  }
}

/** The parameters of all functions of a name, wherever they stand. */
function parametersByName(statements: readonly Statement[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  eachStatement(statements, (statement) => {
    if (statement.type !== 'Definition') return;
    const own = found.get(statement.name) ?? new Set<string>();
    found.set(statement.name, own);
    for (const { name } of statement.parameters) own.add(name);
  });
  return found;
}

function targetNames(target: Expression, into: Set<string>): void {
  if (target.type === 'Name') into.add(target.id);
  else if (target.type === 'Collection') for (const item of target.items) targetNames(item, into);
  else if (target.type === 'Operation') targetNames(target.operands[0] as Expression, into);
}

function walrus(expression: Expression, into: Set<string>): void {
  const stack = [expression];
  for (let at = stack.pop(); at; at = stack.pop()) {
    if (at.type === 'Walrus') into.add(at.target);
    stack.push(...below(at));
  }
}

/** Expressions that a statement evaluates itself; those of a compound's heads too. */
export function expressionsOf(statement: Statement): Expression[] {
  if (statement.type === 'Assign') return statement.value ? [statement.value] : [];
  if (statement.type === 'Simple') return statement.keyword === 'del' ? [] : statement.values;
  return statement.type === 'Compound' ? statement.blocks.flatMap((part) => part.head) : [];
}
