/** The tokens of a text between two offsets, one space apart: equal for what differs in layout and comments only. */
export function tokenText(
  tokens: readonly { text: string; from: number; kind?: string }[],
  from: number,
  to: number,
): string {
  let [low, high] = [0, tokens.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tokens[middle] as { from: number }).from < from) low = middle + 1;
    else high = middle;
  }
  const parts: string[] = [];
  for (let at = low; at < tokens.length; at++) {
    const token = tokens[at] as { text: string; from: number; kind?: string };
    if (token.from >= to) break;
    if (token.text !== '' && token.kind !== 'newline') parts.push(token.text);
  }
  return parts.join(' ');
}
