import { createRoute, z } from '@hono/zod-openapi';
import { AppError, SCOPES } from '@nightshift/protocol';
import { insertToken, listTokens, newSecret, revokeToken, type TokenRow } from '@nightshift/db';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { idempotencyHeader, idempotent } from './idempotency.js';
import { decodeCursor, paged, pageOf, pageQuery } from './paging.js';
import { BAD_BODY, problems } from './problem.js';
import { answer, body, router } from './router.js';

const tokenSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['api', 'enrolment', 'box']),
    name: z.string(),
    scopes: z.array(z.string()),
    boxId: z.string().nullable(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    usedAt: z.iso.datetime().nullable(),
    revokedAt: z.iso.datetime().nullable(),
  })
  .openapi('Token');

function tokenView(row: TokenRow): z.infer<typeof tokenSchema> {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    scopes: row.scopes,
    boxId: row.boxId,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    usedAt: row.usedAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}

export function tokens(deps: ApiDeps) {
  const app = router();
  const admin = needs(deps, 'admin');

  app.openapi(
    createRoute({
      method: 'post',
      path: '/',
      tags: ['tokens'],
      summary: 'Make an API token',
      operationId: 'createToken',
      security: bearer,
      middleware: [admin, idempotent(deps)] as const,
      request: {
        headers: idempotencyHeader,
        body: body(
          z
            .object({
              name: z.string().min(1).max(100),
              scopes: z
                .array(z.enum(SCOPES))
                .min(1)
                .openapi({ description: 'run and attach include read; admin includes all' }),
              expiresInSeconds: z
                .number()
                .int()
                .min(60)
                .max(10 * 365 * 86_400)
                .optional(),
            })
            .openapi('NewToken'),
        ),
      },
      responses: {
        201: answer(
          'the token with its secret, shown once',
          tokenSchema.extend({ secret: z.string() }).openapi('TokenWithSecret'),
        ),
        ...problems(...BAD_BODY, 'conflict'),
      },
    }),
    async (c) => {
      const { name, scopes, expiresInSeconds } = c.req.valid('json');
      const secret = newSecret('nst');
      const expiresAt = expiresInSeconds === undefined ? null : new Date(Date.now() + expiresInSeconds * 1000);
      const row = await insertToken(deps.db, { kind: 'api', secret, name, scopes: [...new Set(scopes)], expiresAt });
      return c.json({ ...tokenView(row), secret }, 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/',
      tags: ['tokens'],
      summary: 'List tokens, newest first; never their secrets',
      operationId: 'listTokens',
      security: bearer,
      middleware: [admin] as const,
      request: { query: pageQuery },
      responses: { 200: answer('a page of tokens', pageOf(tokenSchema, 'TokenPage')), ...problems() },
    }),
    async (c) => {
      const { cursor, limit } = c.req.valid('query');
      const page = paged(
        await listTokens(deps.db, { before: decodeCursor(cursor), limit: limit + 1 }),
        limit,
        (row) => row.id,
      );
      return c.json({ ...page, items: page.items.map(tokenView) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/{id}',
      tags: ['tokens'],
      summary: 'Revoke a token',
      operationId: 'revokeToken',
      security: bearer,
      middleware: [admin] as const,
      request: {
        params: z.object({
          id: z
            .string()
            .max(64)
            .openapi({ param: { name: 'id', in: 'path' } }),
        }),
      },
      responses: { 204: { description: 'revoked' }, ...problems('not_found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      if (!(await revokeToken(deps.db, id))) throw new AppError('not_found', `there is no token ${id}`);
      return c.body(null, 204);
    },
  );
  return app;
}
