import { createRoute, z } from '@hono/zod-openapi';
import { boxFactsSchema } from '@nightshift/protocol';
import { createEnrolment, exchangeEnrolment } from '../fleet/enrol.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { idempotencyHeader, idempotent } from './idempotency.js';
import { BAD_BODY, problems } from './problem.js';
import { answer, body, router } from './router.js';

export function enrolments(deps: ApiDeps) {
  const app = router();

  app.openapi(
    createRoute({
      method: 'post',
      path: '/',
      tags: ['enrolments'],
      summary: 'Make a one-time token with which one box enrols',
      operationId: 'createEnrolment',
      security: bearer,
      middleware: [needs(deps, 'admin'), idempotent(deps)] as const,
      request: {
        headers: idempotencyHeader,
        body: body(
          z
            .object({
              name: z.string().min(1).max(100).default('enrolment'),
              ttlSeconds: z
                .number()
                .int()
                .min(60)
                .max(7 * 86_400)
                .default(3600),
            })
            .openapi('NewEnrolment'),
        ),
      },
      responses: {
        201: answer(
          'the token, shown once',
          z.object({ id: z.string(), secret: z.string(), expiresAt: z.iso.datetime().nullable() }).openapi('Enrolment'),
        ),
        ...problems(...BAD_BODY, 'conflict'),
      },
    }),
    async (c) => {
      const { name, ttlSeconds } = c.req.valid('json');
      const { secret, token } = await createEnrolment(deps, { name, ttlMs: ttlSeconds * 1000 });
      return c.json({ id: token.id, secret, expiresAt: token.expiresAt?.toISOString() ?? null }, 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/exchange',
      tags: ['enrolments'],
      summary: "Exchange an enrolment token for a box's own credential",
      operationId: 'exchangeEnrolment',
      // The token in the body is the credential.
      security: [],
      request: {
        body: body(
          z
            .object({
              token: z.string().min(1).max(200),
              name: z.string().regex(/^[A-Za-z0-9][\w.-]{0,62}$/, 'needs 1 to 63 letters, digits, . _ or -'),
              labels: z.array(z.string().min(1).max(63)).max(20).default([]),
              facts: boxFactsSchema.nullable().default(null),
            })
            .openapi('EnrolmentExchange'),
        ),
      },
      responses: {
        201: answer(
          'the credential, shown once',
          z.object({ boxId: z.string(), name: z.string(), credential: z.string() }).openapi('BoxCredential'),
        ),
        ...problems(...BAD_BODY, 'conflict'),
      },
    }),
    async (c) => {
      const { box, credential } = await exchangeEnrolment(deps, c.req.valid('json'));
      return c.json({ boxId: box.id, name: box.name, credential }, 201);
    },
  );
  return app;
}
