/** One server-sent event, as the control plane writes them. */
export interface StreamEvent {
  id: string;
  type: string;
  data: string;
}

/** More than this without an empty line is no event stream. */
const MAX_PENDING = 4 * 1024 * 1024;

/** Takes server-sent events apart (WHATWG HTML, 9.2.6): bytes in, events out; an unfinished event at the end is dropped. */
export async function* readEventStream(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of chunks) {
    pending += decoder.decode(chunk, { stream: true });
    // A CR at the end may be half of a CRLF.
    const usable = pending.endsWith('\r') ? pending.length - 1 : pending.length;
    const text = pending.slice(0, usable).replace(/\r\n?/g, '\n');
    const end = text.lastIndexOf('\n\n');
    if (end === -1) {
      if (pending.length > MAX_PENDING) throw new Error('the event stream has no end of an event');
      continue;
    }
    pending = text.slice(end + 2) + pending.slice(usable);
    for (const block of text.slice(0, end).split('\n\n')) {
      const event = parseBlock(block);
      if (event) yield event;
    }
  }
}

function parseBlock(block: string): StreamEvent | null {
  let id = '';
  let type = 'message';
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') id = value;
    if (field === 'event') type = value;
    if (field === 'data') data.push(value);
  }
  return data.length === 0 ? null : { id, type, data: data.join('\n') };
}
