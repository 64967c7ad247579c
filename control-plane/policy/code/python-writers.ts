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

/** What the place of a written file is made of, where it is not written out: who changes that changes the place. */
export function unknownPlaces(
  { callee, args }: { callee: Expression; args: Argument[] },
  names: Names,
  sealed: Sealed,
): Expression[] {
  const place = foreignWrite({ callee, args }, names, sealed)?.place ?? openedPlace(callee, args, names);
  return place ? placeParts(place, names) : [];
}

function openedPlace(callee: Expression, args: readonly Argument[], names: Names): Expression | null {
  const dotted = dottedOf(callee, names);
  const isMethod = dotted !== 'open' && callee.type === 'Attribute' && callee.attribute === 'open';
  if (dotted !== 'open' && !isMethod) return null;
  const plain = args.filter((arg) => arg.keyword === null).map((arg) => arg.value);
  const mode = args.find((arg) => arg.keyword === 'mode')?.value ?? plain[isMethod ? 0 : 1];
  const written = mode ? foldText(mode) : 'r';
  if (written !== null && !/[wax+]/.test(written)) return null;
  if (isMethod && callee.type === 'Attribute') return callee.value;
  return args.find((arg) => arg.keyword === 'file')?.value ?? plain[0] ?? null;
}

/** Of a name with a number in it only the folder matters: `f"{out}/step_{step}.pt"` is where `out` says. */
function placeParts(place: Expression, names: Names): Expression[] {
  if (pathText(place, names) !== null) return [];
  if (place.type === 'Call')
    return [...place.args.map((arg) => arg.value), ...(place.callee.type === 'Attribute' ? [place.callee.value] : [])]
      .filter((part) => part.type !== 'Name' || !names.modules.has(part.id))
      .flatMap((part) => placeParts(part, names));
  if (place.type === 'Operation') return place.operands.flatMap((part) => placeParts(part, names));
  if (place.type !== 'String') return [place];
  return place.pieces.flatMap((piece, at) => {
    const before = place.pieces[at - 1];
    const isFolder = before === undefined || 'type' in before || before.text.endsWith('/');
    return 'type' in piece && isFolder ? placeParts(piece, names) : [];
  });
}

/** Whether an expression comes to a number, whatever its names hold: a step that is counted is no path. */
export function isNumber(expression: Expression, depth = 0): boolean {
  if (depth > 50) return false;
  if (expression.type === 'Constant') return true;
  if (expression.type === 'Operation')
    return (
      /^(?:[-+*/%]|\/\/|\*\*|-_|\+_|compare|not)$/.test(expression.operator) &&
      expression.operands.some((operand) => isNumber(operand, depth + 1)) &&
      !expression.operands.some((operand) => operand.type === 'String')
    );
  return (
    expression.type === 'Call' &&
    expression.callee.type === 'Name' &&
    /^(?:int|float|len|round)$/.test(expression.callee.id)
  );
}

/** The path that an expression is for certain: a text, or texts joined as paths are. */
export function pathText(expression: Expression, names: Names, depth = 0): string | null {
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
