import type { EarlierRow, EarlierSession } from '@nightshift/protocol';
import { quoteData } from './quote.js';

/** Above the rows of an earlier session: its figures must not be read beside ours. */
export const EARLIER_HEAD =
  'Tried before this run, in a session with other tools. Its figures were taken elsewhere and cannot be compared with those above; what it threw away needs a new reason to be tried again:';

/** Of all diffs the newest are told; a kept one stands in the files already, so that what was thrown away comes first. */
const MOST_DIFFS = 12;
const DIFF_CHARS = 1500;

export interface EarlierItem {
  line: string;
  diff: string | null;
}

/** The rows of an earlier session as lines of a prompt, oldest first, each with its change where that is known. Pure. */
export function earlierItems({ metric, rows }: EarlierSession): EarlierItem[] {
  const known = rows.filter(({ diff }) => diff !== null).reverse();
  const shown = new Set([
    ...known.filter(({ outcome }) => outcome !== 'kept').slice(0, MOST_DIFFS / 2),
    ...known.filter(({ outcome }) => outcome === 'kept').slice(0, MOST_DIFFS / 2),
  ]);
  return rows.map((row) => ({
    line: `before, line ${row.line} ${row.outcome}: ${quoteData(row.description, 200)}${figure(row, metric.name)}`,
    diff: shown.has(row) ? `  changed: ${quoteData(row.diff as string, DIFF_CHARS)}` : null,
  }));
}

function figure({ metric }: EarlierRow, name: string): string {
  return metric === null ? ', crashed' : `, ${name} ${metric} there`;
}
