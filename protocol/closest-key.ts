/** Nobody mistypes a longer one, and comparing it would take time that grows with its length. */
const LONGEST_KEY = 40;

/** The keys of an object schema and of the objects in it. */
export function knownKeys(shape: Record<string, unknown>): string[] {
  const keys: string[] = [];
  for (const [key, value] of Object.entries(shape)) {
    keys.push(key);
    let inner = value as { shape?: Record<string, unknown>; unwrap?: () => unknown };
    if (!inner.shape && typeof inner.unwrap === 'function') inner = inner.unwrap() as typeof inner;
    if (inner.shape) keys.push(...knownKeys(inner.shape));
  }
  return keys;
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
