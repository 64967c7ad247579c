import { plainText } from '@nightshift/control-plane/trajectory/wording';

const GAP = 2;
const NARROWEST = 4;

/**
 * Rows under headings, two blanks between columns, no line wider than `width`. A heading that ends with > is of numbers. The widest
 * column of text gives way until all fit; the columns in `keep` never do. Control characters are taken out.
 */
export function textTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  keep: readonly number[] = [0],
): string {
  const names = headings.map((heading) => heading.replace(/>$/, ''));
  const cells = [names, ...rows.map((row) => row.map((cell) => plainText(cell, 400)))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => [...(row[column] ?? '')].length)));
  const isFixed = headings.map((heading, column) => keep.includes(column) || heading.endsWith('>'));
  const total = () => widths.reduce((sum, size) => sum + size + GAP, -GAP);
  while (total() > width) {
    const flexible = widths.map((size, column) => (isFixed[column] || size <= NARROWEST ? 0 : size));
    const widest = Math.max(...flexible);
    if (widest === 0) break;
    widths[flexible.indexOf(widest)]! -= 1;
  }
  const lines = cells.map((row) =>
    names
      .map((_, column) => fit(row[column] ?? '', widths[column] as number, headings[column]?.endsWith('>') === true))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** Text in exactly `size` columns: cut with … or padded, numbers to the right. */
export function fit(text: string, size: number, isNumber = false): string {
  const characters = [...text];
  if (characters.length > size) return `${characters.slice(0, Math.max(0, size - 1)).join('')}…`;
  const blanks = ' '.repeat(size - characters.length);
  return isNumber ? blanks + text : text + blanks;
}
