/** What a program writes out: a text, a number, or a list of them. Bytes are texts whose letters have their codes. */
export type Constant = string | number | Constant[];

/** More ways than these to put something together are not gone through. */
export const MAX_VALUES = 24;
const MAX_LENGTH = 4096;

/** `make` of every choice of one value each; nothing where one has none, or where it comes to nothing. */
export function combined(
  lists: readonly (readonly Constant[])[],
  make: (values: Constant[]) => Constant | null,
): readonly Constant[] {
  let choices: Constant[][] = [[]];
  for (const list of lists)
    choices = choices.flatMap((choice) => list.map((value) => [...choice, value])).slice(0, MAX_VALUES);
  return choices.flatMap((choice) => {
    const made = make(choice);
    return made === null || (typeof made !== 'number' && made.length > MAX_LENGTH) ? [] : [made];
  });
}

/** The number that a literal is. */
export function plainNumber(text: string): number | null {
  const number = Number(text.replaceAll('_', '').replace(/n$/, ''));
  return /^[\d.]/.test(text) && Number.isFinite(number) ? number : null;
}

/**
 * A text after one of the usual methods, of Python or of JavaScript; null for a method that is none of them.
 * @param named where among `given` a keyword's value stands.
 */
export function textMethod(
  text: string,
  method: string,
  given: readonly Constant[],
  named: ReadonlyMap<string, number> = new Map(),
): Constant | null {
  const [first, second] = given;
  const plain = /^(?:lower|casefold|toLowerCase|toLocaleLowerCase)$/.test(method)
    ? text.toLowerCase()
    : /^(?:upper|toUpperCase|toLocaleUpperCase)$/.test(method)
      ? text.toUpperCase()
      : null;
  if (plain !== null) return plain;
  switch (method) {
    case 'decode':
    case 'encode':
    case 'toString':
    case 'normalize':
      return text;
    case 'strip':
    case 'lstrip':
    case 'rstrip':
      return typeof first === 'string' ? text.split(first).join('') : text.trim();
    case 'trim':
      return text.trim();
    case 'swapcase':
    case 'title':
    case 'capitalize':
      return text.toLowerCase();
    case 'replace':
    case 'replaceAll':
      return typeof first === 'string' && typeof second === 'string' ? text.replaceAll(first, second) : null;
    case 'removeprefix':
    case 'removesuffix':
      return typeof first === 'string' ? text.replace(first, '') : null;
    case 'split':
      return first === '' ? [...text] : text.split(typeof first === 'string' ? first : /\s+/);
    case 'concat':
      return [text, ...given].map(String).join('');
    case 'repeat':
      return typeof first === 'number' ? text.repeat(Math.max(0, Math.min(first, 64))) : null;
    case 'join':
      return Array.isArray(first)
        ? first.map(String).join(text)
        : typeof first === 'string'
          ? [...first].join(text)
          : null;
    case 'fromhex':
      return Buffer.from(text.replace(/\s/g, ''), 'hex').toString('latin1');
    case 'atob':
      return Buffer.from(text, 'base64').toString('latin1');
    case 'slice':
    case 'substring':
    case 'substr':
      return text;
    case '%': {
      let at = 0;
      return text.replace(/%[-+ #0-9.]*([a-z%])/gi, (_all, kind) => (kind === '%' ? '%' : shown(given[at++])));
    }
    case 'format': {
      let next = 0;
      return text.replace(/\{([^{}:!]*)[^{}]*\}/g, (_all, name: string) => {
        if (name === '') return shown(given[next++]);
        const at = named.get(name) ?? (/^\d+$/.test(name) ? Number(name) : -1);
        return shown(given[at]);
      });
    }
    default:
      return null;
  }
}

function shown(value: Constant | undefined): string {
  return value === undefined ? '\0' : String(value);
}
