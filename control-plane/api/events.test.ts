import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordEvent } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { testApi, type TestApi } from '../testing/test-api.js';

interface Told {
  id: string;
  event: string;
  data: { type: string; runId: string | null; payload: Record<string, unknown> };
}

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  database = await createTestDatabase();
  api = await testApi(database.db);
});
afterAll(async () => {
  api.stop();
  await database.drop();
});

/** Opens the stream and gives its events one by one; the answer is there before anything is awaited. */
async function open(query: string, headers: Record<string, string> = {}) {
  const response = await api.call('GET', `/v1/events${query}`, { headers });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const block = async (): Promise<string> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const found = text.slice(0, end);
        text = text.slice(end + 2);
        return found;
      }
      const { value, done } = await reader.read();
      if (done) throw new Error('the stream ended');
      text += value;
    }
  };
  expect(await block()).toBe(': connected');
  return {
    async next(): Promise<Told> {
      for (;;) {
        const fields = Object.fromEntries(
          (await block()).split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
        );
        if (fields.data) return { id: fields.id, event: fields.event, data: JSON.parse(fields.data) };
      }
    },
    close: () => reader.cancel(),
  };
}
const tell = (n: number, type = 'test.counted', runId: string | null = null) =>
  recordEvent(database.db, { type, runId, payload: { n } });

describe('the event stream', () => {
  test('tells everything once and in order when it is resumed from the last id', async () => {
    for (let n = 0; n < 5; n++) await tell(n);
    const first = await open('?from=start');
    const seen: Told[] = [];
    for (let n = 0; n < 3; n++) seen.push(await first.next());
    await first.close();
    await tell(5);
    for (const how of [
      open('', { 'last-event-id': seen[2]?.id ?? '' }),
      open(`?after=${seen[2]?.id}`),
      open(`?after=${seen[0]?.id}&from=start`, { 'last-event-id': seen[2]?.id ?? '' }),
    ]) {
      const stream = await how;
      const rest = [await stream.next(), await stream.next(), await stream.next()];
      await stream.close();
      expect([...seen, ...rest].map(({ data }) => data.payload.n)).toEqual([0, 1, 2, 3, 4, 5]);
      expect(seen[0]).toMatchObject({ event: 'test.counted', data: { type: 'test.counted', runId: null } });
    }
  });

  test('begins with what comes next, without a cursor', async () => {
    const stream = await open('');
    await tell(6);
    expect((await stream.next()).data.payload.n).toBe(6);
    await stream.close();
  });

  test('never loses an event whose transaction commits after a later one', async () => {
    const stream = await open('');
    let commit = () => {};
    const held = new Promise<void>((resolve) => {
      commit = resolve;
    });
    let isWritten = () => {};
    const written = new Promise<void>((resolve) => {
      isWritten = resolve;
    });
    const slow = database.db.transaction(async (tx) => {
      await recordEvent(tx, { type: 'test.slow' });
      isWritten();
      await held;
    });
    await written;
    await tell(7);
    commit();
    await slow;
    expect([(await stream.next()).event, (await stream.next()).event]).toEqual(['test.slow', 'test.counted']);
    await stream.close();
  });

  test('is narrowed to a run and to types', async () => {
    const stream = await open('?run=run_a&types=test.a,test.b');
    await tell(1, 'test.a', 'run_b');
    await tell(2, 'test.c', 'run_a');
    await tell(3, 'test.b', 'run_a');
    await tell(4, 'test.a', 'run_a');
    expect([(await stream.next()).data.payload.n, (await stream.next()).data.payload.n]).toEqual([3, 4]);
    await stream.close();
  });

  test('refuses an id that no event has', async () => {
    for (const id of ['x', '1', '18446744073709551616-1', '1-9223372036854775808', '1-1; drop table events'])
      expect((await api.call('GET', '/v1/events', { headers: { 'last-event-id': id } })).status).toBe(400);
  });
});
