import type { SourceFile } from '@nightshift/protocol';
import { makePatch } from '@nightshift/control-plane/patch/make-patch';
import type { Form, Swap } from './script.js';

/** The file after the swaps; null unless each search text stands in it exactly once. */
export function applySwaps(content: string, swaps: readonly Swap[]): string | null {
  let text = content;
  for (const [search, replacement] of swaps) {
    const at = text.indexOf(search);
    if (at < 0 || text.includes(search, at + 1)) return null;
    text = text.slice(0, at) + replacement + text.slice(at + search.length);
  }
  return text;
}

/** The lines of a file that a swap touches, whole, as a block wants them. */
function wholeLines(content: string, [search, replacement]: Swap): { search: string; replacement: string } {
  const at = content.indexOf(search);
  if (at < 0) return { search, replacement };
  const from = content.lastIndexOf('\n', at - 1) + 1;
  const end = at + search.length;
  const to = search.endsWith('\n') ? end - 1 : content.indexOf('\n', end);
  const line = (text: string) => (search.endsWith('\n') ? text.replace(/\n$/, '') : text + content.slice(end, to));
  return { search: content.slice(from, to), replacement: content.slice(from, at) + line(replacement) };
}

function block(search: string, replacement: string): string {
  return `<<<<<<< SEARCH\n${search}\n=======\n${replacement}\n>>>>>>> REPLACE`;
}

export interface Words {
  summary: string;
  reason: string;
}

/** An answer to a prompt for a patch, in the given form. The swaps must apply to the file. */
export function writeAnswer(
  form: Form,
  { summary, reason }: Words,
  { path, content }: SourceFile,
  swaps: readonly Swap[],
): string {
  const after = applySwaps(content, swaps) ?? content;
  const words = `SUMMARY: ${summary}\nREASON: ${reason}`;
  switch (form) {
    case 'json':
      return JSON.stringify({ summary, reason, files: [{ path, content: after }] });
    case 'whole':
      return `${words}\n\n${path}\n\`\`\`js\n${after}\`\`\`\n`;
    case 'diff':
      return `${words}\n\n\`\`\`diff\n${makePatch([{ path, content }], [{ path, content: after }]).diff}\`\`\`\n`;
    case 'blocks':
    case 'fenced': {
      const blocks = swaps.map((swap) => {
        const { search, replacement } = wholeLines(content, swap);
        return block(search, replacement);
      });
      if (form === 'blocks') return `${words}\n\n${blocks.map((text) => `${path}\n${text}`).join('\n\n')}\n`;
      return `${words}\n\n${blocks.map((text) => `${path}\n\`\`\`\n${text}\n\`\`\``).join('\n\n')}\n`;
    }
  }
}
