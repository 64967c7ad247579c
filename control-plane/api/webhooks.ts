import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '@nightshift/protocol';
import {
  deleteWebhook,
  insertWebhook,
  isEventCursor,
  latestEventCursor,
  listWebhooks,
  newSecret,
  type WebhookRow,
} from '@nightshift/db';
import { isForbiddenHost } from '../webhooks/forbidden-address.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { decodeCursor, paged, pageOf, pageQuery } from './paging.js';
import { idempotencyHeader, idempotent } from './idempotency.js';
import { BAD_BODY, problems } from './problem.js';
import { answer, body, router } from './router.js';

const webhookSchema = z
  .object({
    id: z.string(),
    url: z.string(),
    types: z.array(z.string()).openapi({ description: 'the types of events that are sent; empty: all' }),
    cursor: z.string().openapi({ description: 'the last event that the receiver has answered' }),
    failures: z.number().int().openapi({ description: 'failed deliveries in a row' }),
    createdAt: z.iso.datetime(),
    disabledAt: z.iso.datetime().nullable().openapi({ description: 'set after about three days of failures' }),
  })
  .openapi('Webhook');

const newWebhook = z
  .object({
    url: z.string().max(2000).openapi({ example: 'https://hooks.example.org/nightshift' }),
    types: z
      .array(z.string().regex(/^[a-z_]+\.[a-z_]+$/, 'is not a type of event, such as run.completed'))
      .max(50)
      .default([]),
    after: z
      .string()
      .refine(isEventCursor, 'is not a cursor of an event')
      .optional()
      .openapi({ description: 'begin after this event, instead of with what happens next' }),
  })
  .openapi('NewWebhook');

function webhookView(row: WebhookRow): z.infer<typeof webhookSchema> {
  return {
    id: row.id,
    url: row.url,
    types: row.types,
    cursor: row.cursor,
    failures: row.failures,
    createdAt: row.createdAt.toISOString(),
    disabledAt: row.disabledAt?.toISOString() ?? null,
  };
}

/** @throws AppError bad_request */
function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const wrong = !url
    ? 'is not a URL'
    : !/^https?:$/.test(url.protocol)
      ? 'must be http or https'
      : url.username !== '' || url.password !== ''
        ? 'must not carry a password: the signature says who sends'
        : isForbiddenHost(url.hostname)
          ? 'leads to an address that webhooks may not reach'
          : undefined;
  if (!url || wrong !== undefined)
    throw new AppError('bad_request', `url: ${wrong}`, { errors: [{ path: 'url', message: wrong ?? '' }] });
  return url.href;
}

export function webhooks(deps: ApiDeps) {
  const app = router();
  const admin = needs(deps, 'admin');

  app.openapi(
    createRoute({
      method: 'post',
      path: '/',
      tags: ['webhooks'],
      summary: 'Have events sent to a URL',
      description:
        'Each event is POSTed as JSON (cursor, type, runId, boxId, payload, createdAt), in order and at least once: one that is not answered 2xx within 10 s is sent again, with growing pauses. `Nightshift-Signature: t=SECONDS,v1=HEX` is the HMAC-SHA-256 of `SECONDS.BODY` under the secret.',
      operationId: 'createWebhook',
      security: bearer,
      middleware: [admin, idempotent(deps)] as const,
      request: { headers: idempotencyHeader, body: body(newWebhook) },
      responses: {
        201: answer(
          'the webhook with its secret, shown once',
          webhookSchema.extend({ secret: z.string() }).openapi('WebhookWithSecret'),
        ),
        ...problems(...BAD_BODY, 'conflict'),
      },
    }),
    async (c) => {
      const { url, types, after } = c.req.valid('json');
      const secret = newSecret('whsec');
      const row = await insertWebhook(deps.db, {
        url: checkUrl(url),
        secret,
        types: [...new Set(types)],
        cursor: after ?? (await latestEventCursor(deps.db)),
      });
      return c.json({ ...webhookView(row), secret }, 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/',
      tags: ['webhooks'],
      summary: 'List webhooks; never their secrets',
      operationId: 'listWebhooks',
      security: bearer,
      middleware: [admin] as const,
      request: { query: pageQuery },
      responses: { 200: answer('a page of webhooks', pageOf(webhookSchema, 'WebhookPage')), ...problems() },
    }),
    async (c) => {
      const { cursor, limit } = c.req.valid('query');
      const rows = await listWebhooks(deps.db, { after: decodeCursor(cursor), limit: limit + 1 });
      const page = paged(rows, limit, (row) => row.id);
      return c.json({ ...page, items: page.items.map(webhookView) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/{id}',
      tags: ['webhooks'],
      summary: 'Send no more events to a URL',
      operationId: 'deleteWebhook',
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
      responses: { 204: { description: 'removed' }, ...problems('not_found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      if (!(await deleteWebhook(deps.db, id))) throw new AppError('not_found', `there is no webhook ${id}`);
      return c.body(null, 204);
    },
  );
  return app;
}
