import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  deleteWebhook,
  insertWebhook,
  latestEventCursor,
  listWebhooks,
  recordEvent,
  type WebhookRow,
} from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settle } from '@nightshift/db/testing/settled-events';
import { deliverDue, startWebhooks } from './deliver.js';
import { post } from './post.js';

interface Delivery {
  event: { cursor: string; type: string; runId: string | null; payload: { n: number }; createdAt: string };
  body: string;
  headers: IncomingMessage['headers'];
}

let database: TestDatabase;
const servers: Server[] = [];
const running = new AbortController().signal;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const hook of await listWebhooks(database.db, { limit: 100 })) await deleteWebhook(database.db, hook.id);
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
afterAll(() => database.drop());

const deps = () => ({ db: database.db, log: { debug() {}, info() {}, warn() {}, error() {} } });
/** Delivers all that was told: a transaction of another test does not hold it back. */
async function sweep(): Promise<void> {
  await settle(database.db);
  await deliverDue(deps(), running);
}
const tell = (n: number, type = 'test.counted') => recordEvent(database.db, { type, runId: 'run_a', payload: { n } });

type Status = number | null;
/** A receiver that answers with what a function says, when it says it; null never answers. */
async function receiver(answer: (delivery: Delivery, count: number) => Status | Promise<Status> = () => 200) {
  const got: Delivery[] = [];
  let tellOf = () => {};
  const server = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (part: string) => (body += part));
    req.on('end', () => {
      const delivery = { event: JSON.parse(body), body, headers: req.headers };
      got.push(delivery);
      const saying = Promise.resolve(answer(delivery, got.length));
      tellOf();
      void saying.then((status) => {
        if (status === null) return;
        res.writeHead(status, status === 302 ? { location: 'http://169.254.169.254/' } : {}).end('thanks');
      });
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return {
    url,
    got,
    numbers: () => got.map(({ event }) => event.payload.n),
    /** Until so many deliveries have come. */
    async until(count: number): Promise<void> {
      while (got.length < count) await new Promise<void>((resolve) => (tellOf = resolve));
    },
  };
}
async function hookTo(url: string, types: string[] = []): Promise<WebhookRow> {
  await settle(database.db);
  return insertWebhook(database.db, { url, secret: 'whsec_test', types, cursor: await latestEventCursor(database.db) });
}
const rowOf = async (hook: WebhookRow) =>
  (await listWebhooks(database.db, { limit: 100 })).find(({ id }) => id === hook.id)!;
const letPass = (hook: WebhookRow) =>
  database.sql`update webhooks set not_before = now() - interval '1 second' where id = ${hook.id}`;

describe('a webhook', () => {
  test('gets every event once and in order, signed, from its beginning on', async () => {
    await tell(0);
    const { url, got, numbers } = await receiver();
    const hook = await hookTo(url);
    for (let n = 1; n <= 120; n++) await tell(n);
    await sweep();
    await sweep();
    expect(numbers()).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    const [{ event, body, headers }] = got as [Delivery];
    expect(event).toMatchObject({
      cursor: expect.stringMatching(/^\d+-\d+$/),
      type: 'test.counted',
      runId: 'run_a',
      boxId: null,
      createdAt: expect.stringMatching(/Z$/),
    });
    const [, seconds, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['nightshift-signature'])) ?? [];
    expect(given).toBe(createHmac('sha256', 'whsec_test').update(`${seconds}.${body}`).digest('hex'));
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(30);
    expect(headers['content-type']).toBe('application/json');
    expect(await rowOf(hook)).toMatchObject({ cursor: got.at(-1)?.event.cursor, failures: 0, notBefore: null });
  });

  test('gets only its types, and is not read past what it has seen again and again', async () => {
    const { url, numbers } = await receiver();
    const hook = await hookTo(url, ['test.wanted']);
    await tell(1, 'test.other');
    await tell(2, 'test.wanted');
    await tell(3, 'test.other');
    await sweep();
    expect(numbers()).toEqual([2]);
    expect((await rowOf(hook)).cursor).toBe(await latestEventCursor(database.db));
  });

  test('gets an event again until it is answered 2xx, and none after it before', async () => {
    const { url, numbers } = await receiver((_, count) => [500, 302, 404, 204, 201][count - 1] ?? 200);
    const hook = await hookTo(url);
    await tell(1);
    await tell(2);
    for (let failures = 1; failures <= 3; failures++) {
      const from = Date.now();
      await sweep();
      const row = await rowOf(hook);
      expect([row.failures, row.cursor]).toEqual([failures, hook.cursor]);
      // The pause begins somewhere in the sweep; the two clocks are one, read in parts of a millisecond and in whole ones.
      const until = (row.notBefore?.getTime() ?? 0) - 1000 * 2 ** (failures - 1);
      expect(until).toBeGreaterThanOrEqual(from - 1);
      expect(until).toBeLessThanOrEqual(Date.now() + 1);
      // Nothing is sent before the pause is over, however long this test is held up.
      await database.sql`update webhooks set not_before = not_before + interval '1 minute' where id = ${hook.id}`;
      await sweep();
      expect(numbers()).toHaveLength(failures);
      await letPass(hook);
    }
    await sweep();
    expect(numbers()).toEqual([1, 1, 1, 1, 2]);
    expect(await rowOf(hook)).toMatchObject({ failures: 0, notBefore: null });
  });

  test('whose receiver is gone waits; a pause is an hour at most', async () => {
    const hook = await hookTo('http://127.0.0.1:1/');
    await tell(1);
    await database.sql`update webhooks set failures = 40 where id = ${hook.id}`;
    await sweep();
    const { failures, notBefore, disabledAt } = await rowOf(hook);
    expect([failures, disabledAt]).toEqual([41, null]);
    expect((notBefore?.getTime() ?? 0) - Date.now()).toBeLessThan(3_601_000);
  });

  test('is disabled when its receiver has failed for days', async () => {
    const { url, numbers } = await receiver(() => 500);
    const hook = await hookTo(url);
    await tell(1);
    await database.sql`update webhooks set failures = 79 where id = ${hook.id}`;
    await sweep();
    expect((await rowOf(hook)).disabledAt).not.toBeNull();
    await sweep();
    expect(numbers()).toHaveLength(1);
  });

  test('that is removed while it is delivered gets no more', async () => {
    const { url, numbers } = await receiver();
    const hook = await hookTo(url);
    for (let n = 0; n < 3; n++) await tell(n);
    let goOn = () => {};
    const isRemoved = new Promise<number>((resolve) => (goOn = () => resolve(200)));
    const slow = await receiver(() => isRemoved);
    await database.sql`update webhooks set url = ${slow.url} where id = ${hook.id}`;
    const delivering = sweep();
    await slow.until(1);
    await deleteWebhook(database.db, hook.id);
    goOn();
    await delivering;
    expect(slow.got).toHaveLength(1);
    expect(numbers()).toEqual([]);
  });
});

describe('two replicas', () => {
  test('send every event once between them', async () => {
    const receivers = await Promise.all([receiver(), receiver(), receiver()]);
    for (const { url } of receivers) await hookTo(url);
    for (let n = 0; n < 30; n++) await tell(n);
    await Promise.all(Array.from({ length: 6 }, sweep));
    await sweep();
    for (const { numbers } of receivers) expect(numbers()).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  test('one that died in the middle holds a webhook until its lease is over', async () => {
    const { url, numbers } = await receiver();
    const hook = await hookTo(url);
    await tell(1);
    await database.sql`update webhooks set not_before = now() + interval '20 seconds' where id = ${hook.id}`;
    await sweep();
    expect(numbers()).toEqual([]);
    await letPass(hook);
    await sweep();
    expect(numbers()).toEqual([1]);
  });
});

describe('the worker', () => {
  test('delivers by itself, and gives back what it holds when it is stopped', async () => {
    const healthy = await receiver();
    await hookTo(healthy.url);
    const silent = await receiver(() => null);
    const held = await hookTo(silent.url);
    const worker = startWebhooks(deps(), { sweepMs: 10 });
    await tell(1);
    await Promise.all([healthy.until(1), silent.until(1)]);
    await worker.stop();
    expect(await rowOf(held)).toMatchObject({ cursor: held.cursor, failures: 0, notBefore: null });
  });
});

describe('a post', () => {
  test('reaches no address that is forbidden, by number or by name', async () => {
    for (const url of ['http://169.254.169.254/latest/meta-data', 'http://[fe80::1]/', 'http://0.0.0.0:80/'])
      expect(await post(url, '{}', {}, running)).toEqual({ ok: false, reason: 'the address is not allowed' });
  });

  test('to a name that does not exist, or a server that is none, is a failure with its cause', async () => {
    expect(await post('http://nowhere.invalid/', '{}', {}, running)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/nowhere\.invalid/),
    });
    expect(await post('https://127.0.0.1:1/', '{}', {}, running)).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  test('to a host by name works', async () => {
    const { url, got } = await receiver();
    expect(await post(url.replace('127.0.0.1', 'localhost'), '{"payload":{"n":1}}', {}, running)).toEqual({ ok: true });
    expect(got).toHaveLength(1);
  });
});
