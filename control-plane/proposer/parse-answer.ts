/** What is inside a model's answer, for the gate as it is; or why there is nothing to give to it. */
export type Unwrapped =
  | { ok: true; text: string; removed: ('think' | 'fence')[] }
  | { ok: false; problem: 'empty' | 'unclosed_think' | 'unclosed_fence'; detail: string };

const OPEN = /^\s*<think(?:ing)?>/i;
const CLOSE = /<\/think(?:ing)?>/i;

/**
 * Takes the known wrappers off a model's answer: leading `<think>` blocks and one Markdown fence around the whole.
 * Nothing else is touched and no JSON is mended: prose around an object stays there for the gate to refuse.
 * @param content the message's content; @param reasoning what the server put in a field of its own, only for the detail
 * @param options.keepFence leaves fences alone: an answer of code mode is read with them
 */
export function unwrapAnswer(content: string, reasoning = '', options: { keepFence?: boolean } = {}): Unwrapped {
  const removed: ('think' | 'fence')[] = [];
  let text = content;
  while (OPEN.test(text)) {
    const close = CLOSE.exec(text);
    if (!close)
      return { ok: false, problem: 'unclosed_think', detail: 'the answer ended inside <think>: nothing was answered' };
    text = text.slice(close.index + close[0].length);
    removed.push('think');
  }
  // Some chat templates write the opening tag into the prompt, so that only the closing one comes back.
  if (removed.length === 0 && !/^\s*[{[`~]/.test(text)) {
    const close = CLOSE.exec(text);
    if (close) {
      text = text.slice(close.index + close[0].length);
      removed.push('think');
    }
  }
  const fenced = options.keepFence ? null : openFence(text);
  if (fenced) {
    const inner = closeFence(fenced.body, fenced.mark);
    if (inner.kind === 'open')
      return { ok: false, problem: 'unclosed_fence', detail: 'the answer ended inside a Markdown fence' };
    if (inner.kind === 'whole') {
      text = inner.text;
      removed.push('fence');
    }
  }
  if (text.trim() === '') {
    const only = removed.includes('think') || reasoning.trim() !== '' ? 'only reasoning' : 'nothing';
    return { ok: false, problem: 'empty', detail: `the model answered ${only}: there is nothing to read` };
  }
  return { ok: true, text, removed };
}

function openFence(text: string): { mark: string; body: string } | null {
  const match = /^\s*(`{3,}|~{3,})[ \t]*[A-Za-z0-9_-]*[ \t]*(?:\r?\n|$)/.exec(text);
  return match?.[1] === undefined ? null : { mark: match[1], body: text.slice(match[0].length) };
}

/** `more` when something follows the closing fence: then it is not one fence around the whole, and stays. */
function closeFence(body: string, mark: string): { kind: 'whole'; text: string } | { kind: 'open' | 'more' } {
  const lines = body.split('\n');
  const end = lines.findIndex((line) => isClosing(line, mark));
  if (end < 0) return { kind: 'open' };
  if (lines.slice(end + 1).some((line) => line.trim() !== '')) return { kind: 'more' };
  return { kind: 'whole', text: lines.slice(0, end).join('\n') };
}

function isClosing(line: string, mark: string): boolean {
  const text = line.trim();
  return text.length >= mark.length && text === (mark[0] as string).repeat(text.length);
}
