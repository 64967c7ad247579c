/** Nobody mistypes a longer one, and comparing it would take time that grows with its length. */
const LONGEST_KEY = 40;

/** The keys of an object schema and of the objects and lists of objects in it, each with its place: `job.budget`. */
export function knownKeys(shape: Record<string, unknown>, above = ''): string[] {
  return Object.entries(shape).flatMap(([key, value]) => {
    let inner = value as { shape?: Record<string, unknown>; unwrap?: () => unknown };
    while (!inner.shape && typeof inner.unwrap === 'function') inner = inner.unwrap() as typeof inner;
    return [`${above}${key}`, ...(inner.shape ? knownKeys(inner.shape, `${above}${key}.`) : [])];
  });
}

/**
 * What an unknown key was probably meant to be, of keys with their places (a name that people choose is `*` in one): another of its
 * block, or one that stands elsewhere.
 */
export function meantKey(key: string, block: readonly string[], known: readonly string[]): string | undefined {
  const here = block.filter((part) => !/^\d+$/.test(part));
  const places = known.map((place) => ({
    above: place.split('.').slice(0, -1),
    name: place.split('.').at(-1) as string,
  }));
  const isHere = ({ above }: { above: string[] }) =>
    above.length === here.length && above.every((part, i) => part === '*' || part === here[i]);
  const others = places.filter((place) => !isHere(place));
  const near = closestKey(
    key,
    places.filter(isHere).map(({ name }) => name),
  );
  const exact = others.find(({ name }) => name === key);
  if (near !== undefined && !exact) return `"${near}"`;
  const far =
    exact?.name ??
    closestKey(
      key,
      others.map(({ name }) => name),
    );
  const found = others.find(({ name }) => name === far);
  if (found === undefined) return undefined;
  return found.above.length === 0
    ? `"${found.name}" at the top level`
    : `"${[...found.above.map((part) => (part === '*' ? 'NAME' : part)), found.name].join('.')}"`;
}

/** The key that was probably meant. */
export function closestKey(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > LONGEST_KEY) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(
        Math.min(
          (row[j - 1] ?? 0) + 1,
          (previous[j] ?? 0) + 1,
          (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    previous = row;
  }
  return previous[b.length] ?? 0;
}
