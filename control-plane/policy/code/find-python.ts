// Long because one walk has to see all: what a name is bound to, used for and called with.
import type { PythonModule } from '../../patch/python/parse-python.js';
import type { Argument, Expression, Statement } from '../../patch/python/tree.js';
import { tokenText } from './code-text.js';
import type { Finding, Sealed } from './context.js';
import { isCredentialVariable, isOwnPath, literalFindings } from './literals.js';
import { below, dottedOf, foldText, namesOf, rootOf } from './python-names.js';
import {
  attributeHazard,
  hazardOf,
  isSeedCall,
  isSwitch,
  isTuningVariable,
  PURE_MODULES,
  SEALED_MODULES,
} from './python-tables.js';
import { foreignWrite, isWriter } from './python-writers.js';

const ASKS = /^os\.(?:getenv|environ\.get)$/;
const EVALUATES = /eval|metric|score|valid|bench/i;

/**
 * Everything in a Python module that the rails `imports`, `sealed` and `secrets` care about, whether the base has it too or not.
 * References count, not only calls, and no alias is followed further than its import: a module that is handed on as a value is a finding.
 */
export function findPython({ statements, tokens }: PythonModule, sealed: Sealed): Finding[] {
  const found: Finding[] = [];
  const names = namesOf(statements);
  const sealedModules = new Set(
    sealed.sealedFiles
      .filter((path) => path.endsWith('.py'))
      .map((path) => path.replace(/\.py$/, '').replaceAll('/', '.')),
  );
  const isSealedModule = (module: string) =>
    [...sealedModules].some((name) => module === name || module.startsWith(`${name}.`) || name.endsWith(`.${module}`));
  const sealedLocals = new Set(
    [...names.imported]
      .filter(([, dotted]) => isSealedModule(dotted) || isSealedModule(dotted.split('.').slice(0, -1).join('.')))
      .map(([local]) => local),
  );
  const owned = new Set([...sealed.seedNames, ...sealed.clockNames].map((name) => name.split('.').at(-1) as string));
  const clocks = new Set(sealed.clockNames.map((name) => name.split('.').at(-1) as string));

  const text = (from: number, to: number) => tokenText(tokens, from, to);

  block(statements, '', true);
  for (const name of names.ambiguous) add('sealed', `twice ${name}`, 1, `it gives ${name} two meanings`);
  return found;

  function add(
    rail: Finding['rail'],
    key: string,
    line: number,
    reason: string,
    allowedBy: string | null = null,
  ): void {
    found.push({ rail, key, line, reason, allowedBy });
  }

  function block(body: readonly Statement[], path: string, isTop: boolean): void {
    body.forEach((statement, index) => {
      const isDoc =
        index === 0 &&
        statement.type === 'Simple' &&
        statement.values[0]?.type === 'String' &&
        statement.values[0].pieces.every((piece) => !('type' in piece));
      if (!isDoc) read(statement, path, isTop);
    });
  }

  function read(statement: Statement, path: string, isTop: boolean): void {
    const { line } = statement;
    if (statement.type === 'Compound') {
      for (const part of statement.blocks) {
        const head = part.head.map(({ from, to }) => text(from, to)).join(' ');
        const unit = `${path}|${part.keyword} ${head}`;
        for (const expression of part.head) visit(expression, unit);
        for (const target of part.targets) bind(target, unit);
        for (const name of part.binds) bindName(name, unit, part.line, null);
        // A branch that never runs is another place than the one beside it.
        const never =
          /^(?:if|elif|while)$/.test(part.keyword) && /^(?:False|0|None|""|''|not True)$/.test(head) ? '!' : '';
        block(part.body, `${path}/${part.keyword}${never}`, isTop);
      }
      return;
    }
    if (statement.type === 'Definition') {
      const unit = `${path}|${statement.keyword} ${statement.name}`;
      bindName(statement.name, unit, line, null);
      for (const decorator of statement.decorators) visit(decorator, `${unit} ${text(decorator.from, decorator.to)}`);
      // Annotations run too.
      for (const { default: value, annotation } of statement.parameters)
        for (const part of [value, annotation]) if (part) visit(part, unit);
      if (statement.returns) visit(statement.returns, unit);
      for (const base of statement.bases) visit(base.value, unit);
      block(statement.body, `${path}/${statement.keyword} ${statement.name}`, false);
      return;
    }
    const unit = `${path}|${text(statement.from, statement.to)}`;
    if (statement.type === 'Import') for (const { name, as } of statement.names) imported(name, name, as ?? name, line);
    else if (statement.type === 'From') {
      if (statement.names === null) {
        add(
          'imports',
          `star ${statement.module}`,
          line,
          `from ${statement.module} import * brings in names that no parser sees`,
        );
        if (isSealedModule(statement.module))
          add('sealed', `import ${statement.module}.*`, line, `it imports from the sealed ${statement.module}`);
      }
      for (const { name, as } of statement.names ?? [])
        imported(statement.module, `${statement.module}.${name}`, as ?? name, line);
    } else if (statement.type === 'Assign') {
      for (const part of [statement.value, statement.annotation]) if (part) visit(part, unit);
      for (const target of statement.targets) bind(target, unit, statement.value);
    } else if (statement.type === 'Simple') {
      for (const value of statement.values) {
        if (statement.keyword === 'del') bind(value, unit);
        else visit(value, unit);
      }
    }
  }

  function imported(module: string, dotted: string, local: string, line: number): void {
    const root = module.split('.')[0] as string;
    if (module.startsWith('.')) {
      if (isSealedModule(module.replace(/^\.+/, '')))
        add('sealed', `import ${dotted} ${local}`, line, `it imports from the sealed ${module}`);
      else
        add('imports', `module ${module}`, line, `${module} is a relative import that the base does not have`, module);
      return;
    }
    if (isSealedModule(module) || isSealedModule(dotted))
      add('sealed', `import ${dotted} ${local}`, line, `it changes what is imported from the sealed ${module}`);
    else if (SEALED_MODULES.has(root))
      add('sealed', `import ${dotted}`, line, `${root} reaches the end of the process or the runner's signals`);
    else if (!PURE_MODULES.has(root))
      add('imports', `module ${root}`, line, `${root} is a module that the base does not import`, root);
    const inner = dotted
      .split('.')
      .slice(1)
      .find((part) => attributeHazard(part) !== null);
    const hazard = hazardOf(dotted) ?? (inner === undefined ? null : attributeHazard(inner));
    if (hazard) add(hazard.rail, `import ${dotted}`, line, hazard.reason, hazard.name);
    if (dotted !== module && isSeedCall(dotted.split('.').at(-1) as string))
      add('sealed', `import ${dotted}`, line, `${dotted} sets the seed, which the runner owns`);
    if (owned.has(local) && !isSealedModule(module))
      add('sealed', `import ${dotted} ${local}`, line, `it gives ${local} another meaning`);
    if (local === 'print') add('sealed', `import ${dotted} ${local}`, line, 'it gives print another meaning');
  }

  function bindName(name: string, unit: string, line: number, value: Expression | null): void {
    const origin = names.imported.get(name);
    if (sealedLocals.has(name))
      add('sealed', `bind ${name}|${unit}`, line, `it replaces ${name}, which comes from the sealed ${origin}`);
    else if (owned.has(name)) add('sealed', `bind ${name}|${unit}`, line, `it sets ${name}, which the runner owns`);
    else if (
      name === 'print' ||
      (/^__\w+__$/.test(name) && name !== '__all__' && name !== '__slots__' && !/\/class /.test(unit))
    )
      add('sealed', `bind ${name}|${unit}`, line, `it gives ${name} another meaning`);
    else if (origin !== undefined && names.modules.has(name))
      add('sealed', `bind ${name}|${unit}`, line, `it puts something else in place of the module ${origin}`);
    else if (name === sealed.metricName && value !== null && callsSealed(value))
      add('sealed', `bind ${name}|${unit}`, line, `it sets ${name}, the metric`);
  }

  function callsSealed(value: Expression): boolean {
    const stack = [value];
    for (let at = stack.pop(); at; at = stack.pop()) {
      if (at.type === 'Name' && sealedLocals.has(at.id)) return true;
      stack.push(...below(at));
    }
    return false;
  }

  function bind(target: Expression, unit: string, value: Expression | null = null): void {
    if (target.type === 'Name') return bindName(target.id, unit, target.line, value);
    if (target.type === 'Collection') {
      for (const item of target.items) bind(item, unit);
      return;
    }
    if (target.type === 'Operation') return bind(target.operands[0] as Expression, unit);
    const base = target.type === 'Attribute' ? target : target.type === 'Subscript' ? target.value : null;
    const dotted = base && dottedOf(base, names);
    const root = rootOf(target);
    if (dotted === 'os.environ' && target.type === 'Subscript') {
      const key = foldText(target.index);
      if (key === null || !isTuningVariable(key))
        add('sealed', `environ|${unit}`, target.line, 'it changes the environment, which the runner owns');
      return;
    }
    const isPatched = root !== null && names.imported.has(root) && !(dotted !== null && isSwitch(`${dotted}.`));
    if (isPatched) add('sealed', `patch|${unit}`, target.line, `it patches ${dotted ?? root}, which was imported`);
    else if (target.type === 'Attribute' && owned.has(target.attribute))
      add('sealed', `bind|${unit}`, target.line, `it sets ${target.attribute}, which the runner owns`);
    visit(target, unit);
  }

  function visit(expression: Expression, unit: string): void {
    // With the call that an expression is the callee of: a call is news when its arguments are.
    const stack: { at: Expression; owner: Expression }[] = [{ at: expression, owner: expression }];
    const push = (at: Expression, owner: Expression = at) => stack.push({ at, owner });
    for (let entry = stack.pop(); entry; entry = stack.pop()) {
      const { at, owner } = entry;
      const { line } = at;
      const key = () => text(owner.from, owner.to);
      switch (at.type) {
        case 'Name': {
          const dotted = names.imported.get(at.id) ?? at.id;
          reference(at, dotted, key(), unit);
          handedOn(at, dotted, owner, unit);
          if (names.modules.has(at.id))
            add(
              'imports',
              `value ${at.id}|${key()}`,
              line,
              `the module ${names.imported.get(at.id)} is handed on as a value`,
            );
          break;
        }
        case 'Attribute': {
          const dotted = dottedOf(at, names);
          const hazard = attributeHazard(at.attribute);
          if (hazard) add(hazard.rail, `${hazard.name}|${key()}`, line, hazard.reason, hazard.name);
          if (isSeedCall(at.attribute))
            add('sealed', `seed|${unit}`, line, `.${at.attribute} sets the seed, which the runner owns`);
          if (dotted !== null) {
            reference(at, dotted, key(), unit);
            handedOn(at, dotted, owner, unit);
            // A chain is walked for its attributes only; its root is no value that is handed on.
            for (let inner = at.value; inner.type === 'Attribute'; inner = inner.value) {
              const deeper = attributeHazard(inner.attribute);
              if (deeper) add(deeper.rail, `${deeper.name}|${key()}`, line, deeper.reason, deeper.name);
            }
          } else push(at.value);
          break;
        }
        case 'Call':
          called(at, unit, push);
          break;
        case 'String':
        case 'Operation': {
          const folded = foldText(at);
          if (folded !== null) {
            found.push(...literalFindings(folded, sealed, unit, line));
            break;
          }
          if (at.type === 'String')
            for (const piece of at.pieces)
              if (!('type' in piece)) found.push(...literalFindings(piece.text, sealed, unit, line));
          if (at.type === 'Operation' && at.operator === 'compare' && mentions(at, clocks))
            add(
              'sealed',
              `clock|${unit}|${text(at.from, at.to)}`,
              line,
              'it changes a comparison with the time budget',
            );
          for (const operand of below(at))
            // Whether a variable is there may be asked.
            if (!(at.type === 'Operation' && at.operator === 'compare' && isEnvironment(operand))) push(operand);
          break;
        }
        case 'Subscript':
          if (isEnvironment(at.value)) variable(at.index, unit, line);
          else push(at.value);
          push(at.index);
          break;
        case 'Walrus':
          bindName(at.target, unit, line, at.value);
          push(at.value);
          break;
        case 'Comprehension':
          for (const clause of at.clauses) {
            bind(clause.target, unit);
          }
          for (const inner of below(at)) push(inner);
          break;
        default:
          for (const inner of below(at)) push(inner);
      }
    }
  }

  /** What writes, and what holds the environment, is judged where it is used: it may not be used elsewhere by another name. */
  function handedOn(at: Expression, dotted: string, owner: Expression, unit: string): void {
    const isCalled = owner.type === 'Call' && owner.callee === at;
    if (isWriter(dotted) && !isCalled)
      add(
        'imports',
        `value ${dotted}|${unit}`,
        at.line,
        `${dotted}, which writes files, is handed on as a value`,
        dotted,
      );
    if (dotted === 'os.environ' || (dotted.startsWith('os.environ.') && !ASKS.test(dotted)))
      add('secrets', `environ|${unit}`, at.line, 'it reads the environment as a whole');
    else if (ASKS.test(dotted) && !isCalled)
      add('secrets', `value ${dotted}|${unit}`, at.line, `${dotted} is handed on as a value`);
  }

  function isEnvironment(expression: Expression): boolean {
    return (
      (expression.type === 'Name' || expression.type === 'Attribute') && dottedOf(expression, names) === 'os.environ'
    );
  }

  /** A variable of the environment is asked for by a name that is written out. */
  function variable(name: Expression | null, unit: string, line: number): void {
    const isPlain = name?.type === 'String' && name.pieces.every((piece) => !('type' in piece));
    if (!isPlain)
      add('secrets', `environ|${unit}`, line, 'it reads a variable of the environment whose name is computed');
    else if (isCredentialVariable(foldText(name) ?? ''))
      add('secrets', `variable|${unit}`, line, 'it names a variable that holds a credential');
  }

  function reference(at: Expression, dotted: string, key: string, unit: string): void {
    const hazard = hazardOf(dotted);
    if (hazard)
      add(
        hazard.rail,
        hazard.rail === 'sealed' ? `${hazard.name}|${unit}` : `${hazard.name}|${key}`,
        at.line,
        hazard.reason,
        hazard.name,
      );
    const root = rootOf(at);
    const last = dotted.split('.').at(-1) as string;
    if (root !== null && sealedLocals.has(root) && EVALUATES.test(last))
      add('sealed', `evaluator|${unit}`, at.line, `it changes how ${last}, the evaluator, is used`);
    if (at.type === 'Name' && isSeedCall(last) && dotted !== last)
      add('sealed', `seed|${unit}`, at.line, `${dotted} sets the seed, which the runner owns`);
  }

  function mentions(expression: Expression, wanted: ReadonlySet<string>): boolean {
    const stack = [expression];
    for (let at = stack.pop(); at; at = stack.pop()) {
      const dotted = at.type === 'Name' || at.type === 'Attribute' ? dottedOf(at, names) : null;
      if (dotted !== null && wanted.has(dotted.split('.').at(-1) as string)) return true;
      stack.push(...below(at));
    }
    return false;
  }

  function called(
    call: Extract<Expression, { type: 'Call' }>,
    unit: string,
    push: (at: Expression, owner?: Expression) => void,
  ): void {
    const { callee, args, line } = call;
    const name = callee.type === 'Name' ? (names.imported.get(callee.id) ?? callee.id) : null;
    const key = text(call.from, call.to);
    const isReflection = name === 'getattr' || name === 'setattr' || name === 'delattr';
    // What a module is asked for by a literal name is judged as if it were written with a dot.
    for (const [index, arg] of args.entries())
      if (!isReflection || index > 0 || arg.value.type !== 'Name') push(arg.value);
    // Of a value of one's own it lists the fields; of nothing, or of a module, it is `globals`.
    if (name === 'vars' && args.length === 1 && args[0]?.stars === 0 && args[0].value.type === 'Name') return;
    for (const { keyword } of args)
      if (keyword === sealed.metricName)
        add('sealed', `metric|${unit}`, line, `it writes the metric's name, ${sealed.metricName}`);
    if (isReflection) return reflected(name, args, key, unit, line);
    const isMethod = callee.type === 'Attribute' && callee.attribute === 'open';
    if (name === 'open' || isMethod) {
      opened(args, isMethod, key, line);
      if (name === 'open') return;
    }
    if (ASKS.test(dottedOf(callee, names) ?? '')) {
      const asked = args.find((arg) => arg.keyword === 'key') ?? args[0];
      if (asked) variable(asked.stars === 0 ? asked.value : null, key, line);
    }
    const write = foreignWrite(call, names, sealed);
    if (write)
      add(
        'imports',
        `write ${write.who}|${write.place ? text(write.place.from, write.place.to) : key}`,
        line,
        `${write.who} writes a file whose place is not known to be its own`,
        write.who,
      );
    push(callee, call);
  }

  function reflected(name: string, args: readonly Argument[], key: string, unit: string, line: number): void {
    const [object, attribute] = [args[0]?.value, args[1]?.value];
    const literal = attribute ? foldText(attribute) : null;
    if (literal === null || args.some((arg) => arg.stars > 0)) {
      add(
        'imports',
        `${name}|${key}`,
        line,
        `${name} with a name that is computed: nobody can say what it reaches`,
        name,
      );
      return;
    }
    const hazard = attributeHazard(literal) ?? (/^__\w+__$/.test(literal) ? attributeHazard('__dict__') : null);
    if (hazard)
      add(
        'imports',
        `${name} ${literal}|${key}`,
        line,
        `${name} of ${literal} leads out of what a parser can follow`,
        hazard.name,
      );
    const dotted = object && dottedOf(object, names);
    if (dotted) {
      const reached = hazardOf(`${dotted}.${literal}`);
      if (reached) add(reached.rail, `${name} ${dotted}.${literal}|${key}`, line, reached.reason, reached.name);
      if (isWriter(`${dotted}.${literal}`) || (dotted === 'os' && /^(?:environ|getenv)$/.test(literal)))
        add(
          'imports',
          `${name} ${dotted}.${literal}|${key}`,
          line,
          `${name} of ${literal} hides what is done with it`,
          name,
        );
    }
    const root = object ? rootOf(object) : null;
    if (isSeedCall(literal) || owned.has(literal))
      add('sealed', `${name} ${literal}|${unit}`, line, `it reaches ${literal}, which the runner owns`);
    if (name !== 'getattr' && root !== null && names.imported.has(root))
      add('sealed', `patch|${unit}`, line, `it patches ${dotted ?? root}, which was imported`);
  }

  function opened(args: readonly Argument[], isMethod: boolean, key: string, line: number): void {
    const plain = args.filter((arg) => arg.keyword === null);
    const modeArg = args.find((arg) => arg.keyword === 'mode')?.value ?? plain[isMethod ? 0 : 1]?.value;
    const mode = modeArg ? foldText(modeArg) : 'r';
    const pathArg = isMethod ? undefined : (args.find((arg) => arg.keyword === 'file')?.value ?? plain[0]?.value);
    const path = pathArg ? foldText(pathArg) : null;
    const isWrite =
      mode === null || /[wax+]/.test(mode) || args.some((arg) => arg.stars > 0 || arg.keyword === 'opener');
    if (
      isWrite ? path === null || !isOwnPath(path, sealed) : path !== null && /^(?:[/~]|\.\.)|\/\.\.(?:\/|$)/.test(path)
    )
      add(
        'imports',
        `open|${key}`,
        line,
        isWrite
          ? 'it opens a file for writing whose place is not known to be its own'
          : 'it reads a file outside the project',
        'open',
      );
  }
}
