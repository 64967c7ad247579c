// Long because a name's owner, its bindings and what they read are found in one walk.
import { isNode, lineOf, walk, type JavascriptModule, type Node } from '../../patch/javascript/parse-javascript.js';
import { tokenText } from './code-text.js';
import type { Sealed } from './context.js';
import type { Flow, Reads } from './held.js';
import { hasWord } from './literals.js';

const CLOCK = /^(?:Date\.now|performance\.now|process\.hrtime(?:\.bigint)?|process\.uptime)$/;
const PLAIN_CALL = /^(?:Math\.\w+|Number(?:\.\w+)?|BigInt|String|Date\.now|performance\.\w+|process\.[\w.]+)$/;
const PLAIN_METHOD = /^(?:toFixed|toString|toPrecision|valueOf|getTime|at|join|padStart|padEnd)$/;
const IS_FUNCTION = /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;
const IS_LOOP = /^(?:For|ForIn|ForOf|While|DoWhile)Statement$/;
const ENDS = /^(?:Break|Throw)Statement$/;
const LOOP = /\/(?:For|ForIn|ForOf|While|DoWhile)Statement/;

interface Place {
  scopes: string[];
  /** The function around, null at the top. */
  inside: string | null;
  guard: string;
  unit: string;
}

/** The same for JavaScript and TypeScript as `pythonFlow`. A block's names are taken for its function's. */
export function javascriptFlow({ program, tokens }: JavascriptModule, sealed: Sealed): Flow {
  const flow: Flow = { bindings: [], stops: [], printed: [] };
  const budgets = new Set(sealed.clockNames);
  const owners = new Map<string, Set<string>>([['', new Set()]]);
  const parameters = new Map<string, (string | null)[]>();
  const text = (node: Node) => tokenText(tokens, node.start, node.end);
  const places = new Map<Node, Place>();
  const parents = new Map<Node, Node>();

  walk(program, (node, parent) => {
    const outer = (parent && places.get(parent)) ?? { scopes: [''], inside: null, guard: '', unit: '' };
    const place = placeOf(node, parent, outer);
    places.set(node, place);
    if (parent) parents.set(node, parent);
    const own = owners.get(place.scopes.at(-1) as string) as Set<string>;
    if (node.type === 'VariableDeclarator') for (const name of namesIn(node['id'] as Node)) own.add(name);
    if (/^Import\w*Specifier$/.test(node.type)) own.add(nameOf(node['local'] as Node));
    if (/^(?:Function|Class)Declaration$/.test(node.type) && isNode(node['id']))
      owners.get(outer.scopes.at(-1) as string)?.add(nameOf(node['id'] as Node));
    if (IS_FUNCTION.test(node.type)) {
      const list = node['params'] as Node[];
      for (const parameter of list) for (const name of namesIn(parameter)) own.add(name);
      const key = place.scopes.at(-1) as string;
      parameters.set(
        key,
        list.map((parameter) => namesIn(parameter)[0] ?? null),
      );
    }
    if (node.type === 'CatchClause' && isNode(node['param']))
      for (const name of namesIn(node['param'] as Node)) own.add(name);
  });
  walk(program, (node, parent) => read(node, parent, places.get(node) as Place));
  return flow;

  function placeOf(node: Node, parent: Node | null, outer: Place): Place {
    if (IS_FUNCTION.test(node.type)) {
      const name = functionName(node, parent);
      const scope = `${outer.scopes.at(-1)}/${name ?? '()'}`;
      if (!owners.has(scope)) owners.set(scope, new Set());
      return { scopes: [...outer.scopes, scope], inside: name, guard: '', unit: outer.unit };
    }
    let { guard } = outer;
    if (parent?.type === 'IfStatement' && node !== parent['test'])
      guard += `/if ${text(parent['test'] as Node)}${node === parent['alternate'] ? ' else' : ''}`;
    if (IS_LOOP.test(node.type)) guard += `/${node.type}`;
    const isStatement = /Statement$|Declaration$/.test(node.type) && node.type !== 'BlockStatement';
    return { ...outer, guard, unit: isStatement ? `${guard}|${headOf(node)}` : outer.unit };
  }

  /** A statement's text; of one with a body, what stands before it. */
  function headOf(node: Node): string {
    let end = node.end;
    walk(node, (inner) => {
      if (inner.type === 'BlockStatement') end = Math.min(end, inner.start);
      return inner.type !== 'BlockStatement';
    });
    return tokenText(tokens, node.start, end);
  }

  function keyOf(name: string, { scopes }: Place): string {
    for (let at = scopes.length - 1; at > 0; at--)
      if (owners.get(scopes[at] as string)?.has(name)) return `${scopes[at]}#${name}`;
    return `#${name}`;
  }

  function read(node: Node, parent: Node | null, place: Place): void {
    const part = (field: string) => (isNode(node[field]) ? (node[field] as Node) : null);
    switch (node.type) {
      case 'VariableDeclarator': {
        // A declaration in the head of a loop is bound by the loop.
        const init = part('init');
        return init ? bind(node['id'] as Node, readsOf([init], place), place) : undefined;
      }
      case 'AssignmentExpression': {
        const target = node['left'] as Node;
        const parts = [node['right'] as Node, ...(node['operator'] === '=' ? [] : [target])];
        return bind(target, readsOf(parts, place), place);
      }
      case 'UpdateExpression':
        return bind(node['argument'] as Node, readsOf([node['argument'] as Node], place), place);
      case 'ForInStatement':
      case 'ForOfStatement': {
        const left = node['left'] as Node;
        const value = readsOf([node['right'] as Node], place);
        const targets = left.type === 'VariableDeclaration' ? (left['declarations'] as Node[]) : [left];
        for (const target of targets) bind(isNode(target['id']) ? (target['id'] as Node) : target, value, place);
        return;
      }
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'ForStatement':
      case 'IfStatement': {
        const test = part('test');
        if (test && (node.type !== 'IfStatement' || endsIn(node['consequent'] as Node, LOOP.test(place.guard))))
          stopsIn(test, place);
        return;
      }
      case 'ReturnStatement':
        if (place.inside !== null && part('argument'))
          push(
            place.inside,
            readsOf([node['argument'] as Node], place),
            { ...place, scopes: place.scopes.slice(0, -1) },
            node,
          );
        return;
      case 'CallExpression':
        return handOver(node, place);
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        if (isNode(node['id']))
          push(
            nameOf(node['id'] as Node),
            nothing(),
            { ...place, scopes: node.type === 'ClassDeclaration' ? place.scopes : place.scopes.slice(0, -1) },
            node,
          );
        return;
      case 'Literal':
      case 'TemplateElement':
        return printed(node, parent, place);
      default:
        return;
    }
  }

  function push(name: string, value: Reads, place: Place, node: Node): void {
    flow.bindings.push({ key: keyOf(name, place), name, unit: place.unit, line: lineOf(node), value });
  }

  function bind(target: Node, value: Reads, place: Place): void {
    if (target.type === 'Identifier') push(nameOf(target), value, place, target);
    else if (target.type === 'MemberExpression') {
      const name = memberName(target);
      if (name !== null) flow.bindings.push({ key: `.${name}`, name, unit: place.unit, line: lineOf(target), value });
    } else for (const inner of patternParts(target)) bind(inner, value, place);
  }

  /** Of a text with the metric's name, what comes behind it. */
  function printed(node: Node, parent: Node | null, place: Place): void {
    const written = node.type === 'Literal' ? node['value'] : (node['value'] as { cooked?: string }).cooked;
    if (typeof written !== 'string' || !hasWord(written, sealed.metricName)) return;
    if (parent?.type === 'Property' && parent['key'] === node) {
      flow.printed.push(readsOf([parent['value'] as Node], place));
      return;
    }
    let end = node.end;
    let [at, up] = [node, parent];
    for (; up && !/Statement$|Declaration$/.test(up.type); [at, up] = [up, parents.get(up) ?? null]) {
      const next = childrenOf(up).filter(
        (child) => child.start >= end && child !== at && child.type !== 'TemplateElement',
      )[0];
      if (next) {
        flow.printed.push(readsOf([next], place));
        return;
      }
      end = Math.max(end, at.end);
    }
  }

  function handOver(call: Node, place: Place): void {
    const callee = call['callee'] as Node;
    if (callee.type !== 'Identifier') return;
    const scope = [...place.scopes].reverse().find((outer) => parameters.has(`${outer}/${nameOf(callee)}`));
    if (scope === undefined) return;
    const inner = `${scope}/${nameOf(callee)}`;
    (call['arguments'] as Node[]).forEach((argument, index) => {
      const name = parameters.get(inner)?.[index];
      if (name)
        flow.bindings.push({
          key: `${inner}#${name}`,
          name,
          unit: `${place.guard}|${text(call)}`,
          line: lineOf(call),
          // What a schedule is called with is no time that is kept.
          value: { ...readsOf([argument], place), isClock: false, isBudget: false, all: [] },
        });
    });
  }

  function stopsIn(test: Node, place: Place): void {
    const stack = [test];
    for (let at = stack.pop(); at; at = stack.pop()) {
      if (at.type === 'LogicalExpression') stack.push(at['left'] as Node, at['right'] as Node);
      else if (at.type === 'UnaryExpression') stack.push(at['argument'] as Node);
      else flow.stops.push(readsOf([at], place));
    }
  }

  function readsOf(nodes: readonly Node[], place: Place): Reads {
    const reads = nothing();
    const stack = nodes.map((at) => ({ at, isDirect: true }));
    for (let entry = stack.pop(); entry; entry = stack.pop()) {
      const { at, isDirect } = entry;
      const add = (key: string) => void (reads.all.push(key), isDirect && reads.direct.push(key));
      if (IS_FUNCTION.test(at.type)) {
        if ((at['body'] as Node).type !== 'BlockStatement') stack.push({ at: at['body'] as Node, isDirect });
        continue;
      }
      if (at.type === 'Identifier') {
        if (isDirect && budgets.has(nameOf(at))) reads.isBudget = true;
        add(keyOf(nameOf(at), places.get(at) ?? place));
      } else if (at.type === 'CallExpression' || at.type === 'NewExpression') {
        const callee = at['callee'] as Node;
        const dotted = dottedOf(callee);
        if (isDirect && dotted !== null && CLOCK.test(dotted)) reads.isClock = true;
        if (isDirect && dotted === 'Date') reads.isClock = true;
        const isMethod = callee.type === 'MemberExpression' && PLAIN_METHOD.test(memberName(callee) ?? '');
        const isPlain = isMethod || (dotted !== null && PLAIN_CALL.test(dotted));
        if (!isPlain) reads.isPlain = false;
        stack.push({ at: callee, isDirect: isDirect && (isPlain || callee.type === 'Identifier') });
        for (const argument of at['arguments'] as Node[]) stack.push({ at: argument, isDirect: isDirect && isPlain });
      } else if (at.type === 'MemberExpression') {
        const name = memberName(at);
        if (isDirect && name !== null && budgets.has(name)) reads.isBudget = true;
        const isGlobal = /^(?:Math|Date|performance|process|console|Number)\./.test(dottedOf(at) ?? '');
        if (isGlobal) continue;
        if (name !== null) add(`.${name}`);
        else stack.push({ at: at['property'] as Node, isDirect });
        stack.push({ at: at['object'] as Node, isDirect });
      } else if (at.type === 'Property') stack.push({ at: at['value'] as Node, isDirect });
      else for (const inner of childrenOf(at)) stack.push({ at: inner, isDirect });
    }
    return reads;
  }
}

function childrenOf(node: Node): Node[] {
  const found: Node[] = [];
  for (const key of Object.keys(node)) {
    if (key === 'loc' || key === 'parent') continue;
    const value = node[key];
    for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) found.push(item);
  }
  return found.sort((a, b) => a.start - b.start);
}

/** Leaving a function ends something where it leaves a loop. */
function endsIn(body: Node, isInLoop: boolean): boolean {
  const list = body.type === 'BlockStatement' ? (body['body'] as Node[]) : [body];
  return list.some(
    (node) =>
      ENDS.test(node.type) || (isInLoop && node.type === 'ReturnStatement') || /^process\.exit$/.test(exitOf(node)),
  );
}

function exitOf(node: Node): string {
  const call = node['expression'];
  return isNode(call) && isNode(call['callee']) ? (dottedOf(call['callee'] as Node) ?? '') : '';
}

function functionName(node: Node, parent: Node | null): string | null {
  const owner = isNode(node['id']) ? node : parent?.type === 'VariableDeclarator' ? parent : null;
  return owner && isNode(owner['id']) && (owner['id'] as Node).type === 'Identifier'
    ? nameOf(owner['id'] as Node)
    : null;
}

function patternParts(target: Node): Node[] {
  if (target.type === 'ArrayPattern') return (target['elements'] as (Node | null)[]).filter((item) => item !== null);
  if (target.type === 'ObjectPattern')
    return (target['properties'] as Node[]).map((property) => (property['value'] ?? property['argument']) as Node);
  if (target.type === 'AssignmentPattern') return [target['left'] as Node];
  if (target.type === 'RestElement') return [target['argument'] as Node];
  return isNode(target['expression']) ? [target['expression'] as Node] : [];
}

function namesIn(pattern: Node): string[] {
  return pattern.type === 'Identifier' ? [nameOf(pattern)] : patternParts(pattern).flatMap(namesIn);
}

function memberName(node: Node): string | null {
  const property = node['property'] as Node;
  if (node['computed'] !== true) return nameOf(property);
  return property.type === 'Literal' && typeof property['value'] === 'string' ? property['value'] : null;
}

function dottedOf(node: Node): string | null {
  if (node.type === 'Identifier') return nameOf(node);
  if (node.type !== 'MemberExpression') return null;
  const [object, name] = [dottedOf(node['object'] as Node), memberName(node)];
  return object === null || name === null ? null : `${object}.${name}`;
}

function nameOf(node: Node): string {
  const name = node['name'];
  return typeof name === 'string' ? name : '';
}

function nothing(): Reads {
  return { all: [], direct: [], isClock: false, isBudget: false, isPlain: true };
}
