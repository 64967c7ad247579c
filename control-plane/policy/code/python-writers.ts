import type { Argument, Expression } from '../../patch/python/tree.js';
import type { Sealed } from './context.js';
import { isOwnPath } from './literals.js';
import { dottedOf, foldText, type Names } from './python-names.js';

/** Functions that write a file, with where they are told its path: the argument's place, and its names. */
const WRITERS = new Map<string, { at: number; names: string[]; isOptional?: boolean }>([
  ['torch.save', { at: 1, names: ['f'] }],
  ['torch.jit.save', { at: 1, names: ['f'] }],
  ['torch.export.save', { at: 1, names: ['f'] }],
  ['torch.onnx.export', { at: 2, names: ['f'] }],
  ['numpy.save', { at: 0, names: ['file'] }],
  ['numpy.savez', { at: 0, names: ['file'] }],
  ['numpy.savez_compressed', { at: 0, names: ['file'] }],
  ['numpy.savetxt', { at: 0, names: ['fname'] }],
  ['logging.FileHandler', { at: 0, names: ['filename'] }],
  ['logging.basicConfig', { at: -1, names: ['filename'], isOptional: true }],
  ['gzip.GzipFile', { at: 0, names: ['filename'] }],
]);
/** Methods of a path that write where it points; what they are given, if anything, is a path too. */
const PATH_METHODS = new Set('touch mkdir rmdir rename write_text write_bytes'.split(' '));

export function isWriter(dotted: string): boolean {
  return WRITERS.has(dotted);
}

/** Of a call that writes a file: what it writes to, when that is not known to be the project's own; null for any other call. */
export function foreignWrite(
  { callee, args }: { callee: Expression; args: Argument[] },
  names: Names,
  sealed: Sealed,
): { who: string; place: Expression | null } | null {
  const dotted = dottedOf(callee, names);
  const writer = dotted === null ? undefined : WRITERS.get(dotted);
  if (writer && dotted !== null) {
    const isUnknown = args.some((arg) => arg.stars > 0);
    const plain = args.filter((arg) => arg.keyword === null);
    const named = args.find((arg) => arg.keyword !== null && writer.names.includes(arg.keyword));
    const place = (named ?? plain[writer.at])?.value ?? null;
    if (place === null) return writer.isOptional && !isUnknown ? null : { who: dotted, place };
    return !isUnknown && isOwn(place) ? null : { who: dotted, place };
  }
  if (callee.type !== 'Attribute') return null;
  const { attribute: method, value: from } = callee;
  // `replace` of a text has two arguments, that of a path one.
  const isReplace = method === 'replace' && args.length === 1 && isPath(from);
  if (!PATH_METHODS.has(method) && !isReplace) return null;
  const targets = method === 'rename' || isReplace ? [from, ...args.map((arg) => arg.value)] : [from];
  return targets.every(isOwn) ? null : { who: `.${method}`, place: from };

  function isOwn(place: Expression): boolean {
    const path = pathText(place, names);
    return path !== null && isOwnPath(path, sealed);
  }
  function isPath(expression: Expression): boolean {
    return expression.type !== 'String' && pathText(expression, names) !== null;
  }
}

/** The path that an expression is for certain: a text, or texts joined as paths are. */
function pathText(expression: Expression, names: Names, depth = 0): string | null {
  if (depth > 50) return null;
  const text = foldText(expression);
  if (text !== null) return text;
  let parts: Expression[] = [];
  if (
    expression.type === 'Call' &&
    /^(?:os\.path\.join|pathlib\.(?:Pure)?(?:Posix)?Path)$/.test(dottedOf(expression.callee, names) ?? '')
  ) {
    if (expression.args.some((arg) => arg.stars > 0 || arg.keyword !== null)) return null;
    parts = expression.args.map((arg) => arg.value);
  } else if (expression.type === 'Operation' && expression.operator === '/') parts = expression.operands;
  if (parts.length === 0) return null;
  const texts = parts.map((part) => pathText(part, names, depth + 1));
  // An absolute part would put away what stands before it.
  return texts.every((part, index) => part !== null && (index === 0 || !part.startsWith('/'))) ? texts.join('/') : null;
}
