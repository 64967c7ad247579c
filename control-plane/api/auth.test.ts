import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SCOPES, type Scope } from '@nightshift/protocol';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { insertToken, newSecret, revokeToken } from '@nightshift/db';
import { testApi, type TestApi } from '../testing/test-api.js';
import { openApiDocument } from './app.js';

interface Operation {
  operationId: string;
  security?: object[];
  responses: Record<string, { content?: Record<string, unknown> }>;
}
const operations = Object.entries(openApiDocument('0.0.0').paths ?? {}).flatMap(([path, methods]) =>
  Object.entries(methods as Record<string, Operation>).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path: path.replace(/\{(number|version)\}/, '1').replace(/\{\w+\}/g, 'nothing'),
    operation,
  })),
);
const guarded = operations.filter(({ operation }) => operation.security?.length !== 0);

/** The scope that each operation asks for: a new route must be written here before it passes. */
const ADMIN = [
  'cordonBox',
  'uncordonBox',
  'drainBox',
  'undrainBox',
  'cleanBox',
  'removeBox',
  'createEnrolment',
  'createToken',
  'listTokens',
  'revokeToken',
  'createWebhook',
  'listWebhooks',
  'deleteWebhook',
];
const RUN = [
  'createRun',
  'pauseRun',
  'resumeRun',
  'stopRun',
  'propose',
  'cancelJob',
  'writeNotes',
  'adoptNotes',
  'rejectNotes',
  'rewindRun',
  'getArchive',
  'putArchive',
];
const OPEN = ['exchangeEnrolment', 'getHealth', 'getReadiness'];
const scopeOf = (operationId: string): Scope =>
  ADMIN.includes(operationId) ? 'admin' : RUN.includes(operationId) ? 'run' : 'read';

let database: TestDatabase;
let api: TestApi;
const secrets = new Map<Scope, string>();
beforeAll(async () => {
  database = await createTestDatabase();
  api = await testApi(database.db);
  for (const scope of SCOPES) secrets.set(scope, await api.token(scope));
});
afterAll(async () => {
  api.stop();
  await database.drop();
});

async function expectProblem(response: Response, status: number, code: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({ status, code, requestId: response.headers.get('x-request-id') });
}

test('only what a newcomer needs is open', () => {
  const open = operations.filter(({ operation }) => operation.security?.length === 0);
  expect(open.map(({ operation }) => operation.operationId).toSorted()).toEqual(OPEN.toSorted());
  expect(guarded.length).toBeGreaterThan(35);
});

describe.each(guarded)('$name', ({ method, path, operation }) => {
  const body = method === 'POST' ? '{' : undefined;

  test('describes its 401 and 403', () => {
    for (const status of ['401', '403'])
      expect(Object.keys(operation.responses[status]?.content ?? {})).toEqual(['application/problem+json']);
  });

  test('lets nobody in without a token, before it looks at the request', async () => {
    const response = await api.call(method, path, { token: null, body });
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    await expectProblem(response, 401, 'unauthenticated');
  });

  test('lets nobody in with a token that is wrong, revoked, expired or of another kind', async () => {
    await expectProblem(await api.call(method, path, { token: newSecret('nst'), body }), 401, 'unauthenticated');
    const revoked = newSecret('nst');
    const { id } = await insertToken(database.db, { kind: 'api', secret: revoked, name: 'r', scopes: ['admin'] });
    await revokeToken(database.db, id);
    await expectProblem(await api.call(method, path, { token: revoked, body }), 401, 'unauthenticated');
    for (const [kind, expiresAt] of [
      ['api', new Date(Date.now() - 1000)],
      ['enrolment', null],
    ] as const) {
      const secret = newSecret('nst');
      await insertToken(database.db, { kind, secret, name: 'x', scopes: ['admin'], expiresAt });
      await expectProblem(await api.call(method, path, { token: secret, body }), 401, 'unauthenticated');
    }
    for (const authorization of [
      'Bearer',
      'Bearer ',
      `Basic ${api.admin}`,
      `bearer${api.admin}`,
      `Bearer ${api.admin} x`,
    ])
      await expectProblem(
        await api.call(method, path, { token: null, body, headers: { authorization } }),
        401,
        'unauthenticated',
      );
  });

  test('lets only its scope and those that include it in', async () => {
    const scope = scopeOf(operation.operationId);
    for (const [other, secret] of secrets) {
      const isAllowed = other === scope || other === 'admin' || scope === 'read';
      if (!isAllowed) await expectProblem(await api.call(method, path, { token: secret, body }), 403, 'forbidden');
    }
    if (operation.operationId === 'streamEvents') return;
    for (const allowed of scope === 'read' ? SCOPES : ([scope, 'admin'] as const)) {
      const response = await api.call(method, path, { token: secrets.get(allowed) ?? '', body });
      expect([401, 403]).not.toContain(response.status);
    }
  });
});

test("the box's websocket takes only a box's credential", async () => {
  for (const token of [null, newSecret('nsb'), api.admin])
    expect((await api.call('GET', '/v1/agent', { token })).status).toBe(401);
});
