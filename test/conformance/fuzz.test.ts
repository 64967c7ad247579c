import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSpec } from '@nightshift/protocol';
import { listJobsOfRun } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { createRun } from '@nightshift/control-plane/loop/create-run';
import { finishedRun, SMALL_SPEC, testApi, type TestApi } from '@nightshift/control-plane/testing/test-api';
import { expectDescribed, OPERATIONS, type DescribedOperation } from './described-api.js';

const RUNS = Number(process.env.NIGHTSHIFT_FUZZ_RUNS ?? 2000);

let database: TestDatabase;
let api: TestApi;
/** Ids that exist, so that the fuzz gets past the first "not found". */
let known: string[];
beforeAll(async () => {
  database = await createTestDatabase();
  api = await testApi(database.db);
  const run = await finishedRun(database.db);
  const [job] = await listJobsOfRun(database.db, run.id);
  const queued = await createRun({ db: database.db, wake: { run() {}, fleet() {} } }, parseSpec(SMALL_SPEC));
  const boxes = await api.json('GET', '/v1/boxes');
  known = [run.id, queued.id, job?.id ?? '', boxes.body.items[0].id];
});
afterAll(async () => {
  api.stop();
  await database.drop();
});

/** Bodies that are right, as places to start from. */
const BODIES: Record<string, unknown[]> = {
  createRun: [
    { spec: SMALL_SPEC, notes: 'try x' },
    { spec: JSON.stringify(SMALL_SPEC) },
    {
      spec: JSON.stringify({
        ...SMALL_SPEC,
        name: 'nul',
        menu: { knobs: { x: { ...SMALL_SPEC.menu.knobs.x, doc: '\0 \ud800' } } },
      }),
    },
  ],
  propose: [
    { knob: 'x', newValue: 3, reason: 'r', config: { x: 3, mode: 'a' } },
    { raw: '{"knob":"x","new_value":4,"reason":"r"}' },
    { raw: '{"knob":"x","new_value":5,"reason":"\\u0000"}' },
    { raw: '{"knob":"x\\ud800","new_value":"\\u0000","reason":"r"}' },
  ],
  checkPolicy: [
    {
      menu: SMALL_SPEC.menu,
      proposal: { knob: 'x', new_value: 3, reason: 'r' },
      comparator: { x: 1 },
      measured: [{ x: 2, mode: 'b' }],
    },
  ],
  createEnrolment: [{ name: 'a box', ttlSeconds: 60 }],
  exchangeEnrolment: [{ token: 'nse_x', name: 'box-1', labels: ['gpu'], facts: null }],
  createToken: [{ name: 'ci', scopes: ['read'], expiresInSeconds: 60 }],
  writeNotes: [{ body: 'try a wider x' }],
  createWebhook: [{ url: 'https://hooks.example.org/x', types: ['run.completed'], after: '1-1' }],
};

/** What would leave nothing to fuzz, or wait: these get no id that exists. */
const FINAL = ['stopRun', 'removeBox'];

const strange = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e400',
    'NaN',
    '__proto__',
    '../..',
    "'; drop table runs; --",
    '\u0000',
    '\ud800',
    '%',
    'null',
    '{}',
    '[]',
    '9'.repeat(30),
    'x'.repeat(5000),
    '99999999999999999999-9999999999999999999',
    '18446744073709551616-1',
    '1-1',
    'MTIz',
    '2026-02-30T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    '0001-01-01T00:00:00Z',
    'a,b',
    '{"a"}',
    '\\',
    '"',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ maxLength: 30 }),
);
const anyJson = fc.oneof(
  strange,
  fc.constantFrom(
    null,
    true,
    0,
    -0,
    1e308,
    5e-324,
    -1,
    2 ** 53,
    1.5,
    [],
    {},
    [[]],
    [null],
    { __proto__: 1 },
    JSON.parse('{"__proto__":{"x":1}}'),
  ),
  fc.jsonValue({ maxDepth: 4 }),
);

/** The value with one place in it replaced, removed or added to. */
function mutate(value: unknown, path: number[], to: unknown): unknown {
  const [at, ...rest] = path;
  if (at === undefined || typeof value !== 'object' || value === null) return to;
  const keys = [...Object.keys(value), 'extra'];
  const key = keys[at % keys.length] ?? 'extra';
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === key ? mutate(item, rest, to) : item));
  return { ...value, [key]: mutate((value as Record<string, unknown>)[key], rest, to) };
}

const bodyOf = (operation: DescribedOperation): fc.Arbitrary<string | undefined> => {
  const right = fc.constantFrom(...(BODIES[operation.operationId] ?? [{}]));
  const mutated = fc
    .tuple(
      right,
      fc.array(
        fc.array(fc.nat(20), { maxLength: 5 }).chain((path) => anyJson.map((to) => ({ path, to }))),
        { maxLength: 3 },
      ),
    )
    .map(([body, changes]) => JSON.stringify(changes.reduce((value, { path, to }) => mutate(value, path, to), body)));
  return fc.oneof(
    { weight: 8, arbitrary: mutated },
    { weight: 1, arbitrary: anyJson.map((value) => JSON.stringify(value)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '',
        '{',
        '{"a":1,"a":2}',
        '[1,]',
        '\ufeff{}',
        'nul',
        '"\\ud800"',
        '{"\\u0000":1}',
        '['.repeat(20_000),
      ),
    },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
};

/** Values that a parameter may well take. */
function likely(schema: Record<string, unknown>): string[] {
  if (Array.isArray(schema.enum)) return schema.enum.map(String);
  return schema.type === 'integer' || schema.type === 'number'
    ? ['1', '2', '0', '500']
    : ['parabola', '2026-01-01T00:00:00Z', '0-0', '1-1', 'bytes=0-', 'bytes=-5', 'run.completed,job.running', 'loss'];
}

const requests = fc.constantFrom(...OPERATIONS).chain((operation) => {
  const parameters = (operation.parameters ?? []).filter((parameter) => parameter.name !== 'idempotency-key');
  return fc.record({
    operation: fc.constant(operation),
    values: fc.record(
      Object.fromEntries(
        parameters.map(({ name, in: place, schema }) => [
          `${place}:${name}`,
          place === 'path' && name === 'id' && !FINAL.includes(operation.operationId)
            ? fc.oneof({ weight: 5, arbitrary: fc.nat(10) }, { weight: 1, arbitrary: strange })
            : fc.oneof(
                { weight: 4, arbitrary: fc.constant(null) },
                { weight: 3, arbitrary: fc.constantFrom(...likely(schema)) },
                { weight: 1, arbitrary: strange },
              ),
        ]),
      ),
    ),
    body: operation.method === 'POST' ? bodyOf(operation) : fc.constant(undefined),
    type: fc.oneof(
      { weight: 8, arbitrary: fc.constant('application/json') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'application/json; charset=utf-8',
          'text/plain',
          'application/x-www-form-urlencoded',
          'application/json;;',
        ),
      },
    ),
    key: fc.option(fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' }), { freq: 8 }),
  });
});

/** Well-formed in a header; the rest never reaches a server. */
const isHeaderText = (text: string) => /^[\x20-\x7e]*$/.test(text);

test(`${RUNS} strange requests are answered as described, and none with a fault of ours`, async () => {
  await fc.assert(
    fc.asyncProperty(requests, async ({ operation, values, body, type, key }) => {
      let path = operation.path;
      const query = new URLSearchParams();
      const headers: Record<string, string> = { 'content-type': type };
      for (const [place, value] of Object.entries(values)) {
        const [where, name = ''] = place.split(':');
        const text = typeof value === 'number' ? (known[value % known.length] ?? '') : value;
        if (where === 'path')
          path = path.replace(`{${name}}`, () => encodeURIComponent((text ?? '1').toWellFormed()) || '1');
        else if (text === null) continue;
        else if (where === 'query') query.append(name, text.toWellFormed());
        else if (isHeaderText(text)) headers[name] = text;
      }
      // Waiting is what these are for; the fuzz has no time.
      if (Number(query.get('wait')) > 0) query.delete('wait');
      if (operation.operationId === 'waitForRun') query.set('timeoutSeconds', '0');
      if (key !== null && operation.method === 'POST' && isHeaderText(key)) headers['idempotency-key'] = key;
      const target = `${path}${query.size > 0 ? `?${query.toString()}` : ''}`;
      const response = await api.call(operation.method, target, { body, headers });
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) return response.body?.cancel();
      // A path with dots in it became another path before it was sent.
      const isThere = new URL(target, 'http://x').pathname === path;
      if (response.status >= 500)
        expect({
          status: response.status,
          code: JSON.parse(await response.text()).code,
          errors: api.errors.map((fields) => String((fields as { err?: unknown }).err)),
        }).toEqual({ status: 503, code: 'unavailable', errors: [] });
      else if (isThere) await expectDescribed(operation, response);
      return undefined;
    }),
    { numRuns: RUNS, seed: Number(process.env.NIGHTSHIFT_FUZZ_SEED ?? 1), endOnFailure: false },
  );
  expect(api.errors).toEqual([]);
}, 600_000);
