import { isNode, lineOf, type Node } from '../../patch/javascript/parse-javascript.js';
import type { Reads } from './held.js';
import { constantsOf } from './javascript-constant.js';
import { childrenOf, dottedOf, memberName, nameOf } from './javascript-names.js';
import { roundsOf } from './javascript-rounds.js';
import { work, type Work } from './work.js';

const GRADIENT =
  /^(?:backward|backprop|backPropagate|grads?|valueAndGrads?|variableGrads|computeGradients|applyGradients|minimize|fit|trainOnBatch|trainStep)$/;
const IS_FUNCTION = /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;
const IS_LOOP = /^(?:For|ForIn|ForOf|While|DoWhile)Statement$/;
const FOR_EACH = /^(?:forEach|map|flatMap|filter|reduce|reduceRight|some|every|find|findIndex|sort|from|setInterval)$/;

/** The same for JavaScript and TypeScript as `pythonWork`. */
export function javascriptWork(program: Node, textOf: (node: Node) => string, stopsOf: (loop: Node) => Reads[]): Work {
  const rounds = roundsOf(program, constantsOf(program));
  const file = work('function', '', '', 1);
  const stack: { at: Node; parent: Node | null; into: Work }[] = [{ at: program, parent: null, into: file }];
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const { at, parent } = entry;
    const into = stepInto(at, parent, entry.into);
    if (at.type === 'CallExpression') called(at, into);
    // `this.step()` in `step` is that function again, `optimizer.step()` is another's.
    const isOthers =
      parent?.type === 'MemberExpression' &&
      parent['property'] === at &&
      (parent['object'] as Node).type !== 'ThisExpression' &&
      nameOf(at) === into.owner;
    if (at.type === 'Identifier' && parent && !isName(at, parent) && !isOthers)
      into.calls.push({ name: nameOf(at), line: lineOf(at) });
    const body = childrenOf(at);
    for (const inner of body.toReversed()) stack.push({ at: inner, parent: at, into });
  }
  return file;

  function stepInto(at: Node, parent: Node | null, into: Work): Work {
    if (IS_FUNCTION.test(at.type)) {
      const name = ownName(at, parent);
      // What has no name of its own runs where it stands.
      if (name === null) return isForEach(parent) ? loopIn(into, at, rounds(parent as Node)) : into;
      const inner = work('function', name, `/${name}`, lineOf(at));
      into.inner.push(inner);
      return inner;
    }
    if (!IS_LOOP.test(at.type)) return into;
    const loop = loopIn(into, at, rounds(at));
    loop.stops = stopsOf(at);
    return loop;
  }

  function loopIn(into: Work, at: Node, times: number): Work {
    const body = isNode(at['body']) ? at['body'] : at;
    const head = textOf({ ...at, end: Math.max(at.start, body.start) } as Node);
    const loop = work('loop', at.type, `${at.type}|${head}`, lineOf(at), into.owner);
    loop.rounds = times;
    into.inner.push(loop);
    return loop;
  }

  function called(call: Node, into: Work): void {
    const callee = call['callee'] as Node;
    const last = memberName(callee) ?? (callee.type === 'Identifier' ? nameOf(callee) : '');
    if (GRADIENT.test(last)) into.trains = true;
    if (!isForEach(call)) return;
    for (const argument of call['arguments'] as Node[])
      if (argument.type === 'Identifier')
        loopIn(into, call, rounds(call)).calls.push({ name: nameOf(argument), line: lineOf(argument) });
  }
}

function isForEach(node: Node | null): boolean {
  if (node?.type !== 'CallExpression') return false;
  const callee = node['callee'] as Node;
  return FOR_EACH.test(memberName(callee) ?? dottedOf(callee) ?? '');
}

/** A name that is only declared, or the name of a field that is set. */
function isName(at: Node, parent: Node): boolean {
  if (parent.type === 'Property' || parent.type === 'PropertyDefinition' || parent.type === 'MethodDefinition')
    return parent['key'] === at && parent['computed'] !== true;
  return parent['id'] === at || /^Import|^Export/.test(parent.type);
}

function ownName(at: Node, parent: Node | null): string | null {
  for (const owner of [at, parent]) if (owner && isNode(owner['id'])) return nameOf(owner['id']);
  if (parent && isNode(parent['key']) && /^(?:Property|PropertyDefinition|MethodDefinition)$/.test(parent.type))
    return nameOf(parent['key']);
  return parent?.type === 'AssignmentExpression' ? memberName(parent['left'] as Node) : null;
}
