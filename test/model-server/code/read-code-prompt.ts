import type { SourceFile } from '@nightshift/protocol';

/** What a model can learn from a prompt for a patch. */
export interface CodePromptView {
  files: SourceFile[];
  /** What was said of crashes in this turn: the patch and the end of its output. */
  repair: string | null;
  /** Refusals of this turn, a line each. */
  refused: string[];
  /** Earlier experiments, as lines of data. */
  memory: string;
  /** The same for every prompt of one turn: the prompt without refusals and crashes. */
  turn: string;
}

const FILE = /^===== (\S+) =====\n([\s\S]*?)\n===== end of \1 =====$/gm;

/** Reads the messages that the proposer builds for a patch; null when there is no editable file in them. */
export function readCodePrompt(text: string): CodePromptView | null {
  const files = [...text.matchAll(FILE)].map(([, path, content]) => ({
    path: path as string,
    content: `${content}\n`,
  }));
  if (files.length === 0) return null;
  const rest = text.replace(FILE, '');
  const section = (heading: string) => rest.split('\n').findIndex((line) => line.startsWith(heading));
  const lines = rest.split('\n');
  const until = (from: number) => {
    const end = lines.findIndex((line, at) => at > from && line.trim() === '');
    return lines.slice(from, end < 0 ? lines.length : end);
  };
  const [crash, refusal] = [section('Your last patch crashed'), section('Refused in this turn')];
  const repair = crash < 0 ? [] : until(crash);
  const refused = refusal < 0 ? [] : until(refusal).slice(1);
  const spoken = new Set([...repair, ...refused]);
  const memory = lines.filter((line) => /^#\d+ /.test(line)).join('\n');
  const turn = [...files.map(({ content }) => content), memory, ...lines.filter((line) => !spoken.has(line))]
    .filter((line) => !/^(?:Refused in this turn|\s*$)/.test(line))
    .join('\n');
  return { files, repair: crash < 0 ? null : repair.join('\n'), refused, memory, turn };
}
