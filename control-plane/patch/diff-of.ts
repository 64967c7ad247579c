import { structuredPatch } from 'diff';

const CONTEXT_LINES = 3;

/**
 * The unified diff of one file, with three lines of context and the header that git writes: `git apply` takes it. Null stands for no
 * file. The same texts give the same diff; equal texts give an empty one.
 */
export function diffOf(
  path: string,
  before: string | null,
  after: string | null,
): { diff: string; added: number; removed: number } {
  if (before === after) return { diff: '', added: 0, removed: 0 };
  const { hunks } = structuredPatch(path, path, before ?? '', after ?? '', undefined, undefined, {
    context: CONTEXT_LINES,
  });
  let added = 0;
  let removed = 0;
  const tab = path.includes(' ') ? '\t' : '';
  const lines = [`diff --git a/${path} b/${path}`];
  if (before === null) lines.push('new file mode 100644');
  if (after === null) lines.push('deleted file mode 100644');
  if (hunks.length > 0)
    lines.push(
      before === null ? '--- /dev/null' : `--- a/${path}${tab}`,
      after === null ? '+++ /dev/null' : `+++ b/${path}${tab}`,
    );
  for (const { oldStart, oldLines, newStart, newLines, lines: body } of hunks) {
    lines.push(`@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`, ...body);
    for (const line of body) {
      if (line.startsWith('+')) added++;
      else if (line.startsWith('-')) removed++;
    }
  }
  return { diff: `${lines.join('\n')}\n`, added, removed };
}

function range(start: number, count: number): string {
  return count === 1 ? `${start}` : `${start},${count}`;
}
