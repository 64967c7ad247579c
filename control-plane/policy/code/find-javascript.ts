// Long because one walk has to see all: what a name is bound to, used for and called with.
import { isNode, lineOf, walk, type JavascriptModule, type Node } from '../../patch/javascript/parse-javascript.js';
import { tokenText } from './code-text.js';
import type { Finding, Sealed } from './context.js';
import { attributeHazard, CLOCKS, hazardOf, PURE_MODULES, SEED_CALLS, WRITERS } from './javascript-tables.js';
import { bare, fold, nameOf, resolved, rootName, unwrapped } from './javascript-names.js';
import { isCredentialVariable, isOwnPath, literalFindings } from './literals.js';

const EVALUATES = /eval|metric|score|valid|bench|measure/i;
const GLOBAL_ROOT = /^(?:process|globalThis|global|Math|Date|performance|console|module|require)(?:$|\.)/;
const IS_STATEMENT = /Statement$|Declaration$|^ExportDefault|^SwitchCase$|^PropertyDefinition$|^StaticBlock$/;
const HAS_BODY =
  /^(?:If|For|ForIn|ForOf|While|DoWhile|Try|Block|Labeled|Switch)Statement$|^(?:Function|Class)Declaration$|^SwitchCase$|^Export/;

/** Everything in a module that the rails `imports`, `sealed` and `secrets` care about; the same rules as for Python. `path` is the module's own. */
export function findJavascript({ program, tokens }: JavascriptModule, path: string, sealed: Sealed): Finding[] {
  const found: Finding[] = [];
  const imported = new Map<string, string>();
  const owned = new Set([...sealed.seedNames, ...sealed.clockNames]);
  const clocks = new Set(sealed.clockNames);
  const isSealedModule = (module: string) =>
    module.startsWith('.') && sealed.sealedFiles.includes(resolved(path, module));
  const sealedLocals = new Set<string>();
  const namespaces = new Set<string>();

  const add = (rail: Finding['rail'], key: string, node: Node, reason: string, allowedBy: string | null = null) =>
    void found.push({ rail, key, line: lineOf(node), reason, allowedBy });
  const text = (node: Node) => tokenText(tokens, node.start, node.end);

  walk(program, (node) => {
    if (node.type === 'ImportDeclaration') {
      const module = (node['source'] as Node)['value'] as string;
      for (const specifier of node['specifiers'] as Node[]) {
        const local = (specifier['local'] as Node)['name'] as string;
        const name = specifier.type === 'ImportSpecifier' ? nameOf(specifier['imported'] as Node) : '*';
        imported.set(local, name === '*' ? bare(module) : `${bare(module)}.${name}`);
        if (name === '*') namespaces.add(local);
        if (isSealedModule(module)) sealedLocals.add(local);
      }
    }
  });

  const units = new Map<Node, string>();
  walk(program, (node, parent) => {
    const outer = parent ? (units.get(parent) ?? '') : '';
    units.set(node, IS_STATEMENT.test(node.type) ? unitOf(node, parent, outer) : outer);
    if (
      /^TS(?!AsExpression|NonNull|Satisfies|TypeAssertion|ExportAssignment|ImportEquals|Enum|Parameter|Instantiation|ModuleDeclaration|ModuleBlock)/.test(
        node.type,
      )
    )
      return false;
    return read(node, parent, units.get(node) as string);
  });
  return found;

  /** The text of a simple statement, or the kind of a compound one with those around it. */
  function unitOf(node: Node, parent: Node | null, outer: string): string {
    const path = outer.split('|')[0] as string;
    if (!HAS_BODY.test(node.type)) return `${path}|${text(node)}`;
    const test = node['test'];
    const never = isNode(test) && /^(?:false|0|null|""|''|! true|! 1)$/.test(text(test)) ? '!' : '';
    const name = isNode(node['id']) ? ` ${String((node['id'] as Node)['name'])}` : '';
    return `${path}${node.type === 'BlockStatement' ? '' : `/${node.type}${name}${never}`}|${isNode(test) ? text(test) : ''}`;
  }

  function read(node: Node, parent: Node | null, unit: string): boolean | void {
    switch (node.type) {
      case 'ImportDeclaration':
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration': {
        if (!isNode(node['source'])) return;
        const module = (node['source'] as Node)['value'] as string;
        module_(module, node, text(node));
        return false;
      }
      case 'ImportExpression': {
        const source = fold(node['source'] as Node);
        if (source === null) add('imports', `import()|${text(node)}`, node, 'import() of a name that is computed');
        else module_(source, node, text(node));
        if (source !== null) late(source, node);
        return;
      }
      case 'TSImportEqualsDeclaration':
        return add('imports', `import=|${text(node)}`, node, 'import = is not used here');
      case 'CallExpression':
      case 'NewExpression':
        return called(node, unit);
      case 'MemberExpression':
        return member(node, parent, unit);
      case 'Identifier':
        return identifier(node, parent, unit);
      case 'AssignmentExpression':
      case 'UpdateExpression':
        return bind((node['left'] ?? node['argument']) as Node, unit);
      case 'ForInStatement':
      case 'ForOfStatement':
        if ((node['left'] as Node).type !== 'VariableDeclaration') bind(node['left'] as Node, unit);
        return;
      case 'VariableDeclarator':
        return bind(node['id'] as Node, unit, isNode(node['init']) ? (node['init'] as Node) : null);
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        return isNode(node['id']) ? bind(node['id'] as Node, unit) : undefined;
      case 'UnaryExpression':
        if (node['operator'] === 'delete') bind(node['argument'] as Node, unit);
        return;
      case 'WithStatement':
        return add('imports', `with|${unit}`, node, 'with changes what names mean');
      case 'BinaryExpression':
        if (/^[<>]=?$|^[!=]==?$/.test(String(node['operator'])) && mentions(node, clocks))
          add('sealed', `clock|${unit}|${text(node)}`, node, 'it changes a comparison with the time budget');
        return literal(node, unit);
      case 'Literal':
      case 'TemplateLiteral':
        return literal(node, unit);
      case 'Property':
        // A key that is a plain name is no reference.
        if (node['computed'] !== true && isNode(node['key']) && attributeHazard(nameOf(node['key'] as Node)))
          add(
            'imports',
            `key|${unit}`,
            node,
            `the key ${nameOf(node['key'] as Node)} leads out of what a parser can follow`,
          );
        return;
      default:
        return;
    }
  }

  /** Only what is imported at the top can be followed to where it writes. */
  function late(source: string, node: Node): void {
    if (bare(source).split('/')[0] === 'fs')
      add('imports', `late|${text(node)}`, node, 'fs is loaded late: import it at the top', 'fs');
  }

  function literal(node: Node, unit: string): boolean | void {
    const folded = fold(node);
    if (folded !== null) {
      found.push(...literalFindings(folded, sealed, unit, lineOf(node)));
      return false;
    }
    if (node.type === 'TemplateLiteral')
      for (const quasi of node['quasis'] as Node[])
        found.push(
          ...literalFindings((quasi['value'] as { cooked?: string }).cooked ?? '', sealed, unit, lineOf(node)),
        );
  }

  function module_(module: string, node: Node, key: string): void {
    if (isSealedModule(module))
      return add(
        'sealed',
        `import ${key}`,
        node,
        `it changes what is imported from the sealed ${resolved(path, module)}`,
      );
    const plain = bare(module);
    if (module.startsWith('node:') || PURE_MODULES.has(plain)) {
      if (!PURE_MODULES.has(plain))
        add('imports', `module ${plain}`, node, `${module} reaches the network, processes or the interpreter`, plain);
      return;
    }
    const name = module.startsWith('.')
      ? resolved(path, module)
      : module
          .split('/')
          .slice(0, module.startsWith('@') ? 2 : 1)
          .join('/');
    add('imports', `module ${name}`, node, `${module} is a module that the base does not import`, name);
  }

  function called(node: Node, unit: string): void {
    const callee = node['callee'] as Node;
    const args = node['arguments'] as Node[];
    const dotted = dottedOf(callee);
    const last = dotted?.split('.').at(-1) ?? '';
    if (dotted === 'require') {
      const source = args[0] ? fold(args[0]) : null;
      if (source !== null) {
        module_(source, node, text(node));
        late(source, node);
      }
    }
    if (/^(?:setTimeout|setInterval|setImmediate)$/.test(dotted ?? '') && args[0] && fold(args[0]) !== null)
      add('imports', `timer|${text(node)}`, node, 'a timer with a text runs the text');
    if (WRITERS.has(last) && /^fs\b/.test(dotted ?? '')) {
      const target = args[0] ? fold(args[0]) : null;
      if (target === null || !isOwnPath(target, sealed))
        add('imports', `write|${text(node)}`, node, 'it writes to a file whose place is not known to be its own', 'fs');
    }
    if (/^fs\b.*\.(?:readFile|readFileSync|createReadStream|readdir|readdirSync)$/.test(dotted ?? '')) {
      const target = args[0] ? fold(args[0]) : null;
      if (target !== null && /^(?:[/~]|\.\.)|\/\.\.(?:\/|$)/.test(target))
        add('imports', `read|${text(node)}`, node, 'it reads a file outside the project', 'fs');
    }
    if (SEED_CALLS.has(last)) add('sealed', `seed|${unit}`, node, `${last} sets the seed, which the runner owns`);
    if (
      dotted === 'Object.assign' &&
      args[0] &&
      (rootIs(args[0], imported) ||
        CLOCKS.has(`${dottedOf(args[0])}.now`) ||
        /^(?:Math|Date|process\.env|performance)$/.test(dottedOf(args[0]) ?? ''))
    )
      add('sealed', `patch|${unit}`, node, `it patches ${text(args[0])}`);
  }

  function member(node: Node, parent: Node | null, unit: string): boolean | void {
    const key = () => text(parent && parent['callee'] === node ? parent : node);
    const property = node['property'] as Node;
    const name = node['computed'] === true ? fold(property) : nameOf(property);
    if (name === null) {
      const root = dottedOf(node['object'] as Node);
      const isGlobal = root !== null && root !== 'process.argv' && GLOBAL_ROOT.test(root);
      if (isGlobal || (root !== null && namespaces.has(root.split('.')[0] as string)))
        add('imports', `computed|${key()}`, node, `${root} with a name that is computed`);
      return;
    }
    const hazard = attributeHazard(name);
    if (hazard) add(hazard.rail, `${hazard.name}|${key()}`, node, hazard.reason, hazard.name);
    // The longest chain is looked at once, not again for each of its beginnings.
    const dotted = parent?.type === 'MemberExpression' && parent['object'] === node ? null : dottedOf(node);
    if (dotted === null) return;
    handedOn(dotted, node, parent, unit);
    const reached = hazardOf(dotted);
    if (reached && !dotted.startsWith('require.'))
      add(
        reached.rail,
        `${reached.name}|${reached.rail === 'sealed' ? unit : key()}`,
        node,
        reached.reason,
        reached.name,
      );
    const root = rootName(node);
    const asked =
      root !== null && sealedLocals.has(root) ? dotted.split('.').find((part) => EVALUATES.test(part)) : undefined;
    if (asked !== undefined)
      add('sealed', `evaluator|${unit}`, node, `it changes how ${asked}, the evaluator, is used`);
    if (dotted.startsWith('process.env.')) {
      if (node['computed'] !== true) found.push(...literalFindings(name, sealed, unit, lineOf(node)));
      credential(name, node, unit);
    } else if (dotted === 'process.env' && !isAsked(node, parent))
      add('secrets', `environ|${unit}`, node, 'it reads the environment as a whole');
  }

  function credential(name: string, node: Node, unit: string): void {
    if (isCredentialVariable(name))
      add('secrets', `variable|${unit}`, node, 'it names a variable that holds a credential');
  }

  /** One variable is asked for by its name, or whether it is there; a computed name is a finding of its own. */
  function isAsked(node: Node, parent: Node | null): boolean {
    if (parent?.type === 'MemberExpression') return true;
    if (parent?.type === 'BinaryExpression') return parent['operator'] === 'in';
    const pattern = parent?.type === 'VariableDeclarator' ? (parent['id'] as Node) : null;
    if (pattern?.type !== 'ObjectPattern') return false;
    return (pattern['properties'] as Node[]).every((property) => {
      if (property.type !== 'Property' || property['computed'] === true) return false;
      credential(nameOf(property['key'] as Node), property, nameOf(property['key'] as Node));
      return true;
    });
  }

  /** A function that writes is judged where it is called, so it has to be called where it is named. */
  function handedOn(dotted: string, node: Node, parent: Node | null, unit: string): void {
    const isWriter = dotted.startsWith('fs') && WRITERS.has(dotted.split('.').at(-1) as string) && dotted.includes('.');
    if (isWriter && parent?.['callee'] !== node && parent?.type !== 'ImportSpecifier')
      add('imports', `value ${dotted}|${unit}`, node, `${dotted} is handed on as a value`, 'fs');
  }

  function identifier(node: Node, parent: Node | null, unit: string): void {
    if (parent?.type === 'MemberExpression' && parent['property'] === node && parent['computed'] !== true) return;
    if (
      (parent?.type === 'Property' || parent?.type === 'MethodDefinition' || parent?.type === 'PropertyDefinition') &&
      parent['key'] === node &&
      parent['computed'] !== true &&
      parent['shorthand'] !== true
    )
      return;
    const name = node['name'] as string;
    const hazard = imported.has(name) ? null : hazardOf(name);
    const isCallee = parent?.['callee'] === node || parent?.type === 'MemberExpression';
    if (hazard)
      add(hazard.rail, `${hazard.name}|${isCallee ? text(parent as Node) : name}`, node, hazard.reason, hazard.name);
    const isBase = parent?.type === 'MemberExpression' && parent['object'] === node;
    if (name === 'process' && !isBase)
      add('imports', `value process|${unit}`, node, 'process is handed on as a value', 'process');
    if (/^(?:Math|Date|performance|console)$/.test(name) && !isBase && parent?.['callee'] !== node)
      add('sealed', `value ${name}|${unit}`, node, `${name} is handed on as a value`);
    const origin = imported.get(name);
    handedOn(origin ?? name, node, parent, unit);
    if (sealedLocals.has(name) && EVALUATES.test(origin?.split('.').at(-1) ?? name))
      add('sealed', `evaluator|${unit}`, node, `it changes how ${name}, the evaluator, is used`);
    if (namespaces.has(name) && !isBase)
      add('imports', `value ${name}|${unit}`, node, `the module ${origin} is handed on as a value`);
  }

  function bind(target: Node, unit: string, value: Node | null = null): void {
    if (target.type === 'Identifier') {
      const name = target['name'] as string;
      const origin = imported.get(name);
      if (sealedLocals.has(name))
        add('sealed', `bind ${name}|${unit}`, target, `it replaces ${name}, which comes from the sealed ${origin}`);
      else if (owned.has(name)) add('sealed', `bind ${name}|${unit}`, target, `it sets ${name}, which the runner owns`);
      else if (/^(?:console|process|Math|Date|performance|globalThis)$/.test(name))
        add('sealed', `bind ${name}|${unit}`, target, `it gives ${name} another meaning`);
      else if (name === sealed.metricName && value !== null && mentions(value, sealedLocals))
        add('sealed', `bind ${name}|${unit}`, target, `it sets ${name}, the metric`);
      if (value && value.type === 'Identifier' && /^(?:process|Math|Date|performance)$/.test(String(value['name'])))
        add('sealed', `value|${unit}`, value, 'a clock or a generator is handed on as a value');
      return;
    }
    if (target.type === 'MemberExpression') {
      const dotted = dottedOf(target);
      const root = rootName(target);
      const isEnvironment = dotted?.startsWith('process.env') === true;
      const isGlobal =
        root !== null &&
        /^(?:Math|Date|performance|console|process|globalThis|Array|Object|Number|String|JSON|Float32Array|Float64Array)$/.test(
          root,
        ) &&
        dotted !== 'process.exitCode';
      if (isEnvironment) add('sealed', `environ|${unit}`, target, 'it changes the environment, which the runner owns');
      else if (isGlobal || (root !== null && imported.has(root)))
        add('sealed', `patch|${unit}`, target, `it patches ${dotted ?? root}`);
      else if (owned.has(nameOf(target['property'] as Node)))
        add('sealed', `bind|${unit}`, target, `it sets ${nameOf(target['property'] as Node)}, which the runner owns`);
      return;
    }
    if (target.type === 'ArrayPattern')
      for (const item of target['elements'] as (Node | null)[]) if (item) bind(item, unit, value);
    if (target.type === 'ObjectPattern')
      for (const property of target['properties'] as Node[]) {
        const key = isNode(property['key']) && property['computed'] !== true ? nameOf(property['key'] as Node) : null;
        const from = value ? dottedOf(value) : null;
        if (key !== null && from !== null) {
          const hazard = hazardOf(`${from}.${key}`) ?? (CLOCKS.has(`${from}.${key}`) ? null : attributeHazard(key));
          if (hazard) add(hazard.rail, `${hazard.name}|${unit}`, property, hazard.reason, hazard.name);
        }
        bind((property['value'] ?? property['argument']) as Node, unit);
      }
    if (target.type === 'AssignmentPattern') bind(target['left'] as Node, unit);
    if (target.type === 'RestElement') bind(target['argument'] as Node, unit);
  }

  function dottedOf(node: Node): string | null {
    const parts: string[] = [];
    let at = unwrapped(node);
    while (at.type === 'MemberExpression') {
      const name = at['computed'] === true ? fold(at['property'] as Node) : nameOf(at['property'] as Node);
      if (name === null) return null;
      parts.push(name);
      at = unwrapped(at['object'] as Node);
    }
    if (at.type !== 'Identifier') return null;
    const root = at['name'] as string;
    return [imported.get(root) ?? root, ...parts.reverse()].join('.');
  }

  function mentions(root: Node, wanted: ReadonlySet<string>): boolean {
    let isFound = false;
    walk(root, (node) => {
      if (node.type === 'Identifier' && wanted.has(node['name'] as string)) isFound = true;
      return !isFound;
    });
    return isFound;
  }
}

function rootIs(node: Node, names: ReadonlyMap<string, unknown>): boolean {
  const root = rootName(node);
  return root !== null && names.has(root);
}
