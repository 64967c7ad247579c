import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'drizzle-orm';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { SMALL_SPEC, testApi, type TestApi } from '../testing/test-api.js';

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

const create = (key: string | null, body: unknown = { spec: SMALL_SPEC }, token = api.admin) =>
  api.json('POST', '/v1/runs', { token, body, headers: key === null ? {} : { 'idempotency-key': key } });
const countRuns = async () => (await database.sql<{ n: number }[]>`select count(*)::int as n from runs`)[0]?.n;

describe('a bad body', () => {
  test('is answered with every place that is wrong', async () => {
    const { status, headers, body } = await api.json('POST', '/v1/tokens', {
      body: { name: '', scopes: ['root', 'read'] },
    });
    expect(status).toBe(400);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({
      type: expect.stringMatching(/^https:.*bad_request$/),
      title: expect.any(String),
      status: 400,
      code: 'bad_request',
      requestId: headers.get('x-request-id'),
      errors: [{ path: 'name' }, { path: 'scopes.0' }],
    });
    expect(body.detail).toContain('name');
  });

  test('that is a spec names the key, and in YAML the line and column', async () => {
    const asObject = await create(null, {
      spec: { ...SMALL_SPEC, metrik: {}, job: { train: 'x', budget: '5 parsecs' } },
    });
    expect(asObject).toMatchObject({ status: 422, body: { code: 'invalid_spec' } });
    expect(asObject.body.errors.map((error: { path: string }) => error.path)).toEqual(
      expect.arrayContaining(['job.budget', 'metrik']),
    );
    const asText = await create(null, {
      spec: 'name: a\nsource: { path: /x }\nmetric: { name: m, goal: up }\njob: { train: x }\nmenu: { knobs: {} }\n',
    });
    expect(asText).toMatchObject({ status: 422, body: { code: 'invalid_spec' } });
    expect(asText.body.errors).toContainEqual(
      expect.objectContaining({ path: 'metric.goal', line: 3, column: expect.any(Number) }),
    );
  });

  test('that may have several forms says what is wrong with the one that was meant', async () => {
    const { body: run } = await create(null);
    const errorsOf = async (body: unknown) =>
      (await api.json('POST', `/v1/runs/${run.id}/proposals`, { body })).body.errors as unknown;
    expect(await errorsOf({ knob: 'x', newValue: [1], reason: 'r' })).toEqual([
      { path: 'newValue', message: 'needs a number, text or true or false' },
    ]);
    expect(await errorsOf({ knob: 'x', newValeu: 1, reason: 'r' })).toMatchObject([
      { path: 'newValue' },
      { path: 'newValeu', message: 'is not a known key' },
    ]);
    expect(await errorsOf({ knob: 'x', newValue: 1, reason: 'r', patch: 'p' })).toEqual([
      { path: 'patch', message: 'does not go together with knob, newValue and reason; keep one of them' },
    ]);
    expect(await errorsOf({})).toEqual([{ path: 'body', message: 'needs raw or patch' }]);
    expect(await errorsOf([])).toEqual([{ path: 'body', message: 'needs a map' }]);
  });

  test('that is no JSON, too long, of another type or missing has its own answer', async () => {
    expect(await create(null, '{"spec":')).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    expect(await create(null, { spec: 'x'.repeat(5 << 20) })).toMatchObject({
      status: 413,
      body: { code: 'too_large' },
    });
    const form = { body: 'spec=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    expect(await api.json('POST', '/v1/runs', form)).toMatchObject({
      status: 415,
      body: { code: 'unsupported_media_type' },
    });
    expect((await api.json('POST', '/v1/runs')).status).toBeGreaterThanOrEqual(400);
  });

  test('with text that no database stores says where', async () => {
    const { status, body } = await create(null, { spec: { ...SMALL_SPEC, name: 'a\0' }, notes: '\ud800' });
    expect({ status, paths: body.errors.map((error: { path: string }) => error.path) }).toEqual({
      status: 400,
      paths: ['notes', 'spec.name'],
    });
    expect(await api.json('GET', '/v1/runs/a%00')).toMatchObject({ status: 400 });
    const yaml = JSON.stringify({ ...SMALL_SPEC, job: { train: 'a\0b' } });
    expect(await create(null, { spec: yaml })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'job.train', line: 1 }] },
    });
  });
});

describe('an answer of any kind', () => {
  test('carries the request id that was sent, when it is one', async () => {
    for (const [sent, isKept] of [
      ['trace-1', true],
      ['a b', false],
      ['x'.repeat(200), false],
    ] as const) {
      const { headers } = await api.json('GET', '/v1/runs', { headers: { 'x-request-id': sent } });
      expect(headers.get('x-request-id') === sent).toBe(isKept);
      expect(headers.get('x-request-id')).toMatch(/^[\w-]{1,100}$/);
    }
  });

  test('is a problem for a path or a method that does not exist', async () => {
    for (const [method, path] of [
      ['GET', '/v1/nothing'],
      ['PATCH', '/v1/runs'],
      ['GET', '/v1'],
      ['DELETE', '/v1/runs/x'],
    ] as const)
      expect(await api.json(method, path)).toMatchObject({ status: 404, body: { code: 'not_found', status: 404 } });
  });
});

describe('an Idempotency-Key', () => {
  test('answers the same request with the same resource', async () => {
    const before = (await countRuns()) ?? 0;
    const first = await create('a');
    const again = await create('a');
    expect(first.status).toBe(201);
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect([first, again].map(({ headers }) => headers.get('idempotency-replayed'))).toEqual([null, 'true']);
    expect(await countRuns()).toBe(before + 1);
  });

  test('with another body or on another route is a conflict', async () => {
    await create('b');
    const other = await create('b', { spec: SMALL_SPEC, notes: 'other' });
    expect(other).toMatchObject({ status: 409, body: { code: 'idempotency_mismatch' } });
    const route = { body: { spec: SMALL_SPEC }, headers: { 'idempotency-key': 'b' } };
    expect(await api.json('POST', '/v1/tokens', route)).toMatchObject({
      status: 409,
      body: { code: 'idempotency_mismatch' },
    });
  });

  test('belongs to its token', async () => {
    const [mine, theirs] = [await create('c'), await create('c', undefined, await api.token('run'))];
    expect(theirs.status).toBe(201);
    expect(theirs.body.id).not.toBe(mine.body.id);
  });

  test('makes one resource of many requests at once', async () => {
    const before = (await countRuns()) ?? 0;
    const answers = await Promise.all(Array.from({ length: 12 }, () => create('d')));
    const made = answers.filter(({ status }) => status === 201);
    expect(made.length).toBeGreaterThan(0);
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1);
    for (const { status, body } of answers) if (status !== 201) expect([status, body.code]).toEqual([409, 'conflict']);
    expect(await countRuns()).toBe(before + 1);
    expect((await create('d')).body.id).toBe(made[0]?.body.id);
  });

  test('is free again after a request that failed', async () => {
    expect((await create('e', { spec: { name: 'x' } })).status).toBe(422);
    expect((await create('e')).status).toBe(201);
  });

  test('whose request died with its process is never carried out again, and free after a day', async () => {
    await create('f');
    const before = await countRuns();
    await database.db.execute(sql`update idempotency_keys set status = null, body = null where key = 'f'`);
    const age = (interval: string) =>
      database.db.execute(
        sql`update idempotency_keys set created_at = now() - ${interval}::interval where key = 'f' and status is null`,
      );
    expect(await create('f')).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringMatching(/try again/) },
    });
    for (const interval of ['2 minutes', '23 hours']) {
      await age(interval);
      expect(await create('f')).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: expect.stringMatching(/unknown.*list.*new key/) },
      });
      expect(await create('f', { spec: SMALL_SPEC, notes: 'other' })).toMatchObject({
        status: 409,
        body: { code: 'idempotency_mismatch' },
      });
    }
    expect(await countRuns()).toBe(before);
    await age('25 hours');
    expect((await create('f')).status).toBe(201);
    expect((await create('f')).headers.get('idempotency-replayed')).toBe('true');
    expect(await countRuns()).toBe((before ?? 0) + 1);
  });

  test('stores no secret in the clear', async () => {
    const call = { body: { name: 'ci', scopes: ['read'] }, headers: { 'idempotency-key': 'g' } };
    const [first, again] = [await api.json('POST', '/v1/tokens', call), await api.json('POST', '/v1/tokens', call)];
    expect(again.body).toEqual(first.body);
    const secret = String(first.body.secret);
    expect((await api.call('GET', '/v1/runs', { token: secret })).status).toBe(200);
    const everything = await database.sql`
      select (select string_agg(k::text, '') from idempotency_keys k) || (select string_agg(t::text, '') from tokens t) as text`;
    expect(everything[0]?.text).not.toContain(secret.slice(4));
  });

  test('needs 1 to 200 characters', async () => {
    for (const key of ['', 'x'.repeat(201)]) expect((await create(key)).status).toBe(400);
  });
});

test('a query parameter that the route does not take is refused, with those that it takes', async () => {
  const list = await api.json('GET', '/v1/runs?staet=queued&limit=5');
  expect(list).toMatchObject({ status: 400, body: { code: 'bad_request', errors: [{ path: 'staet' }] } });
  expect(list.body.detail).toBe('query: there is no parameter "staet"; this route takes cursor, limit, project, state');
  expect((await api.json('GET', '/v1/runs/run_x?a=1')).body.detail).toContain('takes no query');
  expect((await api.json('POST', '/v1/tokens?a=1', { body: { name: 'x', scopes: ['read'] } })).status).toBe(400);
  expect((await api.json('GET', '/v1/runs?a=1', { token: null })).status).toBe(401);
  expect((await api.json('GET', '/healthz?probe=1')).status).toBe(200);
});

test('the root says where to go, as a page or as JSON, without a token', async () => {
  const { status, body } = await api.json('GET', '/', { token: null });
  expect([status, body]).toMatchObject([200, { name: 'nightshift', docs: '/docs', openapi: '/openapi.json' }]);
  const page = await api.call('GET', '/', { token: null, headers: { accept: 'text/html,*/*;q=0.8' } });
  expect(page.headers.get('content-type')).toContain('text/html');
  for (const [, href = ''] of (await page.text()).matchAll(/<a href="([^"]+)"/g))
    expect((await api.call('GET', href, { token: null })).status).toBe(200);
});

test('a number in a path is written in digits', async () => {
  const { body } = await create(null);
  for (const number of ['0x1', '1e0', '%201', '01', '0', '1.0', '2147483648', '99999999999'])
    for (const path of [`iterations/${number}`, `iterations/${number}/prompt`])
      expect(await api.json('GET', `/v1/runs/${body.id}/${path}`)).toMatchObject({
        status: 400,
        body: { code: 'bad_request' },
      });
  expect((await api.json('GET', `/v1/runs/${body.id}/iterations/2147483647`)).status).toBe(404);
  expect((await api.json('POST', `/v1/runs/${body.id}/notes/0x1/adopt`)).status).toBe(400);
});

describe('a list', () => {
  test('pages through everything once, newest first, also while rows are added', async () => {
    const made: string[] = [];
    for (let i = 0; i < 7; i++) made.push((await create(null)).body.id);
    const seen: string[] = [];
    for (let cursor: string | null = null; ;) {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await api.json('GET', `/v1/runs?limit=3${query}`);
      expect(page.status).toBe(200);
      expect(page.body.items.length).toBeLessThanOrEqual(3);
      seen.push(...page.body.items.map((run: { id: string }) => run.id));
      if (cursor === null) await create(null);
      cursor = page.body.nextCursor;
      if (cursor === null) break;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(0, 7)).toEqual(made.toReversed());
    expect(seen).toHaveLength(((await countRuns()) ?? 0) - 1);
  });

  test('has no next page when the last one is exactly full', async () => {
    const total = (await countRuns()) ?? 0;
    expect((await api.json('GET', `/v1/runs?limit=${total}`)).body.nextCursor).toBeNull();
    expect((await api.json('GET', `/v1/runs?limit=${total - 1}`)).body.nextCursor).not.toBeNull();
  });

  test('refuses a limit or a cursor that is none', async () => {
    for (const query of ['limit=0', 'limit=501', 'limit=x', 'limit=1.5', 'cursor=%22', `cursor=${'a'.repeat(300)}`])
      expect(await api.json('GET', `/v1/runs?${query}`)).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  });

  test('is filtered by project and state', async () => {
    const { body } = await create(null, { spec: { ...SMALL_SPEC, name: 'apart' } });
    const found = await api.json('GET', '/v1/runs?project=apart&state=queued');
    expect(found.body.items.map((run: { id: string }) => run.id)).toEqual([body.id]);
    expect((await api.json('GET', '/v1/runs?project=apart&state=failed')).body.items).toEqual([]);
    expect((await api.json('GET', '/v1/runs?project=none')).status).toBe(404);
  });

  test('of runs says of each what it waits for', async () => {
    const { body } = await create(null, { spec: { ...SMALL_SPEC, name: 'waits' } });
    const waiting = async (path: string) =>
      ((await api.json('GET', path)).body.items as { waiting: string | null }[]).map((run) => run.waiting);
    expect(await waiting('/v1/runs?project=waits')).toEqual([null]);
    await database.sql`update runs set state = 'baseline', started_at = now() where id = ${body.id}`;
    await database.sql`insert into jobs (id, run_id, role, replicate, config, config_key, seed)
      values ('job_waits', ${body.id}, 'baseline', 1, '{}', '[]', 1)`;
    expect(await waiting('/v1/runs?project=waits')).toEqual(['no box is enrolled: nightshift boxes enrol']);
    const all = await waiting('/v1/runs?limit=500');
    expect(all.filter((why) => why !== null)).toHaveLength(1);
    await database.sql`delete from jobs`;
  });
});

test('two boxes that enrol under one name at once: one gets it, the other a conflict', async () => {
  const tokens = await Promise.all(
    Array.from({ length: 4 }, async () => (await api.json('POST', '/v1/enrolments', { body: {} })).body.secret),
  );
  const answers = await Promise.all(
    tokens.map((token) => api.json('POST', '/v1/enrolments/exchange', { token: null, body: { token, name: 'twin' } })),
  );
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409]);
  const used = tokens[answers.findIndex(({ status }) => status === 201)];
  const again = await api.json('POST', '/v1/enrolments/exchange', {
    token: null,
    body: { token: used, name: 'other' },
  });
  expect(again).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
  expect((await settledEvents(database.db, { types: ['box.enrolled'], limit: 10 })).length).toBe(1);
});
