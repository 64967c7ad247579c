import { createRoute, z } from '@hono/zod-openapi';
import { askFor } from '../loop/ask.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { problems } from './problem.js';
import { answer, router } from './router.js';
import { requireRun, runId } from './runs.js';

const promptSchema = z
  .object({
    mode: z.enum(['menu', 'code']),
    messages: z.array(z.object({ role: z.string(), content: z.string() })),
    tokens: z.number().int().openapi({ description: 'an estimate on the safe side' }),
    cut: z.array(z.string()).openapi({ description: 'what did not fit' }),
  })
  .openapi('Prompt');

export function prompt(deps: ApiDeps) {
  const app = router();
  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/prompt',
      tags: ['runs'],
      summary: 'Ask: the prompt that the next proposal would be made from',
      description:
        'The whole memory of the run, as a model would be given it now. Answer it with POST /v1/runs/{id}/proposals. What was sent to a model in an iteration is at /v1/runs/{id}/iterations/{number}/prompt.',
      operationId: 'askForProposal',
      security: bearer,
      middleware: [needs(deps, 'read')] as const,
      request: { params: runId, query: z.object({ mode: z.enum(['menu', 'code']).optional() }) },
      responses: { 200: answer('the prompt', promptSchema), ...problems('not_found', 'illegal_state') },
    }),
    async (c) => {
      const run = await requireRun(deps, c.req.valid('param').id);
      const mode = c.req.valid('query').mode ?? (run.spec.menu ? ('menu' as const) : ('code' as const));
      const { messages, tokens, cut } = await askFor(deps.db, run, mode);
      return c.json({ mode, messages, tokens, cut }, 200);
    },
  );
  return app;
}
