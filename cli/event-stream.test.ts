import { describe, expect, it } from 'vitest';
import { readEventStream, type StreamEvent } from './event-stream.js';

async function read(...parts: (string | Uint8Array)[]): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  async function* chunks() {
    for (const part of parts) yield typeof part === 'string' ? new TextEncoder().encode(part) : part;
  }
  for await (const event of readEventStream(chunks())) events.push(event);
  return events;
}

describe('readEventStream', () => {
  it('reads id, type and data, and skips comments', async () => {
    const events = await read(': connected\n\nid: 7-1\nevent: run.queued\ndata: {"a":1}\n\n: quiet\n\n');
    expect(events).toEqual([{ id: '7-1', type: 'run.queued', data: '{"a":1}' }]);
  });

  it('gives the same events however the bytes are cut', async () => {
    const text = 'id: 1\r\nevent: a\r\ndata: één\r\ndata: two\r\n\r\nid: 2\ndata:x\n\n';
    const whole = await read(text);
    expect(whole).toEqual([
      { id: '1', type: 'a', data: 'één\ntwo' },
      { id: '2', type: 'message', data: 'x' },
    ]);
    const bytes = new TextEncoder().encode(text);
    for (let size = 1; size < bytes.length; size++) {
      const parts = [];
      for (let at = 0; at < bytes.length; at += size) parts.push(bytes.slice(at, at + size));
      expect(await read(...parts)).toEqual(whole);
    }
  });

  it('drops an event whose end never came', async () => {
    expect(await read('id: 1\ndata: whole\n\nid: 2\ndata: to')).toEqual([{ id: '1', type: 'message', data: 'whole' }]);
  });
});
