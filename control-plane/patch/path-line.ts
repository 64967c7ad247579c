const DECORATION =
  /^(?:\s*(?:#{1,6}|\/\/|--|[-*+]|\d+[.)])\s+)?(?:\*\*)?(?:(?:file|path|filename)\s*[:=]\s*)?(?:\*\*)?[`"']?/i;

/**
 * The path that a line names when it is nothing but a path, however it is dressed: `train.py`, **train.py**:, ### File: `train.py`.
 * A fence's info string may hold it too. Null for any other line.
 */
export function pathOf(line: string): string | null {
  const fence = /^\s*(?:`{3,}|~{3,})\s*(.*)$/.exec(line);
  let text = (fence ? (fence[1] as string) : line).trim();
  if (fence) {
    const words = text.split(/[\s:]+/).filter((word) => word !== '');
    const [language = '', second] = words;
    text = second ?? language;
    return second === undefined && !/[./\\]/.test(language) ? null : isPath(text) ? text : null;
  }
  text = text
    .replace(DECORATION, '')
    .replace(/[`"']?(?:\*\*)?:?(?:\*\*)?\s*$/, '')
    .replace(/[`"']$/, '');
  return isPath(text) ? text : null;
}

// Anything that could be meant as a path is taken as one, so that the rail `paths` can say what is wrong with it.
function isPath(text: string): boolean {
  if (text === '' || text.length > 400 || /[<>|*?"`\n]/.test(text)) return false;
  if (/[/\\]/.test(text) && !/\s/.test(text)) return true;
  return /^[^\s]{0,200}\.[\p{L}\p{M}\p{N}_\u0000-\u0008\u200b-\u200f]{1,12}$/u.test(text) && !/^\.+$/.test(text);
}
