/** Where a text holds the lines most like the wanted ones: for telling a model what stands there instead. */
export function closest(wanted: readonly string[], lines: readonly string[]): { line: number; text: string[] } | null {
  const span = Math.max(1, wanted.length);
  const sets = wanted.map((line) => words(line));
  const cache = lines.map((line) => words(line));
  let best = { score: 0, at: -1 };
  for (let at = 0; at < lines.length; at++) {
    let score = 0;
    // A long block is judged by its first lines: comparing all with all would take too long.
    for (let offset = 0; offset < Math.min(span, 12); offset++) {
      const [a, b] = [sets[offset], cache[at + offset]];
      if (a && b) score += alike(a, b);
    }
    if (score > best.score) best = { score, at };
  }
  if (best.at < 0) return null;
  return { line: best.at + 1, text: lines.slice(best.at, best.at + Math.min(span, 6)) };
}

function words(line: string): Set<string> {
  return new Set(line.slice(0, 400).match(/\w+|[^\w\s]/g) ?? []);
}

function alike(a: Set<string>, b: Set<string>): number {
  if (a.size === 0 || b.size === 0) return 0;
  let shared = 0;
  for (const word of a) if (b.has(word)) shared++;
  return shared / (a.size + b.size - shared);
}
