import { createRoute, z } from '@hono/zod-openapi';
import { rewindRun } from '../loop/rewind-run.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { idempotencyHeader, idempotent } from './idempotency.js';
import { BAD_BODY, problems } from './problem.js';
import { answer, body, router } from './router.js';
import { runSchema, runView } from './run-view.js';
import { runId } from './runs.js';

const rewindBody = z
  .strictObject({
    iteration: z
      .number()
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .openapi({ description: 'a kept iteration; 0 is the baseline' }),
    iterations: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .openapi({ description: 'instead of stop.iterations' }),
    notes: z
      .string()
      .max(100_000)
      .optional()
      .openapi({ description: 'strategy notes; those of the run when left out' }),
  })
  .openapi('Rewind');

export function rewind(deps: ApiDeps) {
  const app = router();
  app.openapi(
    createRoute({
      method: 'post',
      path: '/{id}/rewind',
      tags: ['runs'],
      summary: 'Start a new run from where this one stood after a kept iteration',
      operationId: 'rewindRun',
      security: bearer,
      middleware: [needs(deps, 'run'), idempotent(deps)] as const,
      request: { params: runId, headers: idempotencyHeader, body: body(rewindBody) },
      responses: {
        201: answer('the new run', runSchema),
        ...problems(...BAD_BODY, 'not_found', 'illegal_state', 'invalid_spec'),
      },
    }),
    async (c) => {
      const { iteration, ...options } = c.req.valid('json');
      return c.json(runView(await rewindRun(deps, c.req.valid('param').id, iteration, options)), 201);
    },
  );
  return app;
}
