// Long because a name's owner, its bindings and what they read are found in one walk.
import { isNode, lineOf, walk, type JavascriptModule, type Node } from '../../patch/javascript/parse-javascript.js';
import { tokenText } from './code-text.js';
import type { Sealed } from './context.js';
import { emptyFlow, noReads, type Binding, type Flow, type Reads } from './held.js';
import { carriedBy, changedObject, changesOf, isNumber, unknownPlaces } from './javascript-changes.js';
import { childrenOf, dottedOf, fold, memberName, nameOf, namesIn, patternParts, rootName } from './javascript-names.js';
import { sealedTeller } from './javascript-sealed.js';
import { javascriptWork } from './javascript-work.js';
import { hasWord, isOwnPath } from './literals.js';

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
  under: readonly Reads[];
  /** Loops around, the innermost last, within the function. */
  loops: readonly Node[];
}
/** How a binding differs from a plain assignment. */
type Extra = Partial<Pick<Binding, 'how' | 'text' | 'carries' | 'isOwnPlace'>>;

/** The same for JavaScript and TypeScript as `pythonFlow`. A block's names are taken for its function's. */
export function javascriptFlow({ program, tokens }: JavascriptModule, path: string, sealed: Sealed): Flow {
  const flow = emptyFlow();
  const tellsTime = sealedTeller(program, path, sealed);
  const budgets = new Set(sealed.clockNames);
  const owners = new Map<string, Set<string>>([['', new Set()]]);
  const parameters = new Map<string, (string | null)[]>();
  const text = (node: Node) => tokenText(tokens, node.start, node.end);
  const places = new Map<Node, Place>();
  const parents = new Map<Node, Node>();

  walk(program, (node, parent) => {
    const outer = (parent && places.get(parent)) ?? {
      scopes: [''],
      inside: null,
      guard: '',
      unit: '',
      under: [],
      loops: [],
    };
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
  const ends = new Map<Node, Reads[]>();
  walk(program, (node, parent) => read(node, parent, places.get(node) as Place));
  flow.work = javascriptWork(program, text, (loop) => ends.get(loop) ?? []);
  return flow;

  function placeOf(node: Node, parent: Node | null, outer: Place): Place {
    if (IS_FUNCTION.test(node.type)) {
      const name = functionName(node, parent);
      const scope = `${outer.scopes.at(-1)}/${name ?? '()'}`;
      if (!owners.has(scope)) owners.set(scope, new Set());
      return { scopes: [...outer.scopes, scope], inside: name, guard: '', unit: outer.unit, under: [], loops: [] };
    }
    let { guard, under, loops } = outer;
    if (parent?.type === 'IfStatement' && node !== parent['test']) {
      guard += `/if ${text(parent['test'] as Node)}${node === parent['alternate'] ? ' else' : ''}`;
      under = [...under, readsOf([parent['test'] as Node], outer)];
    }
    if (IS_LOOP.test(node.type)) {
      guard += `/${node.type}`;
      loops = [...loops, node];
    }
    const isStatement = /Statement$|Declaration$/.test(node.type) && node.type !== 'BlockStatement';
    return { ...outer, guard, under, loops, unit: isStatement ? `${guard}|${headOf(node)}` : outer.unit };
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
        if (!init) return;
        const pattern = node['id'] as Node;
        const value = readsOf([init], place);
        if (pattern.type !== 'ObjectPattern') return bind(pattern, value, place, extraOf(init, place));
        // One name more is taken from the same object: the others are bound as before.
        for (const one of pattern['properties'] as Node[])
          bind((one['value'] ?? one['argument']) as Node, value, {
            ...place,
            unit: `${place.guard}|${text(one)} = ${text(init)}`,
          });
        return;
      }
      case 'AssignmentExpression': {
        const target = node['left'] as Node;
        const parts = [node['right'] as Node, ...(node['operator'] === '=' ? [] : [target])];
        const how = node['operator'] === '=' ? 'set' : 'augment';
        return bind(target, readsOf(parts, place), place, {
          ...extraOf(node['right'] as Node, place),
          how,
          text: text(node),
        });
      }
      case 'UpdateExpression':
        return bind(node['argument'] as Node, readsOf([node['argument'] as Node], place), place, {
          how: 'augment',
          isOwnPlace: true,
        });
      case 'ForInStatement':
      case 'ForOfStatement': {
        const left = node['left'] as Node;
        const value = readsOf([node['right'] as Node], place);
        const targets = left.type === 'VariableDeclaration' ? (left['declarations'] as Node[]) : [left];
        for (const target of targets)
          bind(
            isNode(target['id']) ? (target['id'] as Node) : target,
            value,
            place,
            extraOf(node['right'] as Node, place),
          );
        return;
      }
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'ForStatement':
      case 'IfStatement': {
        const test = part('test');
        if (test && node.type !== 'IfStatement') stop(test, node, place, place.unit, [node]);
        if (test && node.type === 'IfStatement')
          for (const [branch, word] of [
            [part('consequent'), 'if'],
            [part('alternate'), 'else'],
          ] as const) {
            const effect = branch && effectOf(branch, LOOP.test(place.guard));
            const left = effect === 'break' ? place.loops.slice(-1) : place.loops;
            if (effect) stop(test, node, place, `${place.guard}|${word} ${text(test)} > ${effect}`, left);
          }
        return;
      }
      case 'ContinueStatement':
        if (place.loops.length > 0)
          flow.skips.push({
            unit: place.unit,
            from: node.start,
            to: (place.loops.at(-1) as Node).end,
            line: lineOf(node),
          });
        return;
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
        handOver(node, place);
        changedBy(node, place);
        for (const at of unknownPlaces(node, sealed)) flow.places.push(readsOf([at], place));
        return;
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        if (isNode(node['id']))
          push(
            nameOf(node['id'] as Node),
            noReads(),
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

  function push(name: string, value: Reads, place: Place, node: Node, extra: Extra = {}): void {
    put(keyOf(name, place), name, value, place, node, extra);
  }

  function put(key: string, name: string, value: Reads, { unit, under }: Place, node: Node, extra: Extra): void {
    const at = { from: node.start, line: lineOf(node) };
    flow.bindings.push({
      key,
      name,
      unit,
      text: unit,
      ...at,
      value,
      how: 'set',
      under,
      carries: [],
      isOwnPlace: false,
      ...extra,
    });
  }

  function bind(target: Node, value: Reads, place: Place, extra: Extra = {}): void {
    if (target.type === 'Identifier') push(nameOf(target), value, place, target, extra);
    else if (target.type === 'MemberExpression') {
      const name = memberName(target);
      if (name !== null) return put(`.${name}`, name, value, place, target, extra);
      // Of an item whose name is computed it is the object that changes.
      const object = changedObject(target);
      if (object.type === 'Identifier') push(nameOf(object), value, place, target, { ...extra, how: 'call' });
      else if (memberName(object) !== null)
        put(`.${memberName(object)}`, memberName(object) as string, value, place, target, { ...extra, how: 'call' });
    } else for (const inner of patternParts(target)) bind(inner, value, place, extra);
  }

  /** A call that changes its object binds the items by their names, or the object where they are not told. */
  function changedBy(call: Node, place: Place): void {
    for (const { target, parts } of changesOf(call)) {
      const value = readsOf(call['arguments'] as Node[], place);
      const object = changedObject(target);
      for (const part of parts ?? [memberName(object)])
        if (part !== null) put(`.${part}`, part, value, place, call, { how: 'call' });
        else if (object.type === 'Identifier') push(nameOf(object), value, place, call, { how: 'call' });
    }
  }

  function extraOf(value: Node, place: Place): Extra {
    const path = fold(value);
    const carries = carriedBy(value).flatMap((at) => {
      const part = memberName(at);
      return at.type === 'Identifier' ? [keyOf(nameOf(at), place)] : part === null ? [] : [`.${part}`];
    });
    return { carries, isOwnPlace: path === null ? isNumber(value) : isOwnPath(path, sealed) };
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
        put(
          `${inner}#${name}`,
          name,
          // What a schedule is called with is no time that is kept.
          { ...readsOf([argument], place), isClock: false, isBudget: false, all: [] },
          // Not the whole call: what else a function is given is no business of this value.
          { ...place, unit: `${place.guard}|${inner}(${text(argument)})` },
          call,
          extraOf(argument, place),
        );
    });
  }

  function stop(test: Node, node: Node, place: Place, unit: string, loops: readonly Node[]): void {
    const parts: Reads[] = [];
    const stack = [test];
    for (let at = stack.pop(); at; at = stack.pop()) {
      if (at.type === 'LogicalExpression') stack.push(at['left'] as Node, at['right'] as Node);
      else if (at.type === 'UnaryExpression') stack.push(at['argument'] as Node);
      else parts.push(readsOf([at], place));
    }
    // Of a loop whose test comes last, what goes on with it comes first.
    flow.stops.push({
      parts,
      unit,
      from: node.type === 'DoWhileStatement' ? test.start : node.start,
      line: lineOf(node),
    });
    for (const loop of loops) ends.set(loop, [...(ends.get(loop) ?? []), ...parts]);
  }

  function readsOf(nodes: readonly Node[], place: Place): Reads {
    const reads = noReads();
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
        const tells = tellsTime(callee);
        if (tells) {
          flow.tellers.push(keyOf(rootName(callee) ?? '', place), `.${memberName(callee) ?? ''}`);
          if (isDirect) reads.isBudget = true;
        }
        if (isDirect && dotted === 'Date') reads.isClock = true;
        const isMethod = callee.type === 'MemberExpression' && PLAIN_METHOD.test(memberName(callee) ?? '');
        const isPlain = isMethod || (dotted !== null && PLAIN_CALL.test(dotted));
        if (!isPlain) reads.isPlain = false;
        stack.push({ at: callee, isDirect: isDirect && !tells && (isPlain || callee.type === 'Identifier') });
        for (const argument of at['arguments'] as Node[]) stack.push({ at: argument, isDirect: isDirect && isPlain });
      } else if (at.type === 'MemberExpression') {
        const name = memberName(at);
        if (isDirect && name !== null && budgets.has(name)) reads.isBudget = true;
        const isGlobal = /^(?:Math|Date|performance|process|console|Number)\./.test(dottedOf(at) ?? '');
        if (isGlobal) continue;
        if (name !== null) {
          add(`.${name}`);
          const owner = at['object'] as Node;
          if (owner.type === 'Identifier') reads.roots.push(keyOf(nameOf(owner), places.get(at) ?? place));
        } else stack.push({ at: at['property'] as Node, isDirect });
        stack.push({ at: at['object'] as Node, isDirect });
      } else if (at.type === 'Property') stack.push({ at: at['value'] as Node, isDirect });
      else for (const inner of childrenOf(at)) stack.push({ at: inner, isDirect });
    }
    return reads;
  }
}

/** How a branch leaves what is around it; leaving a function ends something where it leaves a loop. Going on is no end. */
function effectOf(body: Node, isInLoop: boolean): string | null {
  for (const node of body.type === 'BlockStatement' ? (body['body'] as Node[]) : [body]) {
    if (exitOf(node) === 'process.exit') return 'exit';
    if (node.type === 'ContinueStatement') return null;
    if (node.type === 'ReturnStatement') return isInLoop ? 'return' : null;
    const label = isNode(node['label']) ? ` ${nameOf(node['label'])}` : '';
    if (ENDS.test(node.type)) return node.type === 'ThrowStatement' ? 'throw' : `break${label}`;
  }
  return null;
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
