/** Characters of a reason and of a summary that are kept; the rest goes, since both enter prompts and commit messages. */
export const MAX_REASON_CHARS = 1000;
export const MAX_SUMMARY_CHARS = 72;
/** A summary is made from the first sentence of the reason when there is none. */
export function bounded(summary: string, reason: string): { summary: string; reason: string } {
  const first = tidy(summary) || (/^.*?[.!?](?=\s|$)/.exec(tidy(reason))?.[0] ?? tidy(reason));
  return {
    summary: cut(first.replace(/[.\s]+$/, ''), MAX_SUMMARY_CHARS),
    reason: cut(reason.trim(), MAX_REASON_CHARS),
  };
}

/** On one line, with single spaces. */
export function tidy(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
