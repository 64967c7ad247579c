import { createRoute, z } from '@hono/zod-openapi';
import { AppError, configSchema, knobValueSchema } from '@nightshift/protocol';
import { findIteration, listIterations, listModelCallsOfIteration } from '@nightshift/db';
import { submitProposal } from '../loop/submit-proposal.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { idempotencyHeader, idempotent } from './idempotency.js';
import { decodeCursor, paged, pageOf, pageQuery } from './paging.js';
import { pathNumber } from './path-number.js';
import { BAD_BODY, problems } from './problem.js';
import { answer, body, router } from './router.js';
import { iterationSchema, iterationView } from './run-view.js';
import { requireRun, runId } from './runs.js';

const proposalBody = z
  .union([
    z.strictObject({
      knob: z.string(),
      newValue: knobValueSchema,
      reason: z.string(),
      config: configSchema
        .optional()
        .openapi({ description: 'the complete configuration that you mean to run; the diff rail checks it' }),
    }),
    z.strictObject({
      raw: z.string().openapi({ description: 'the text of a model as it is: {"knob","new_value","reason"}' }),
    }),
    z.strictObject({
      patch: z
        .string()
        .min(1)
        .max(1_048_576)
        .openapi({ description: 'code mode: REASON: … and search/replace blocks, a unified diff, or whole files' }),
    }),
  ])
  .openapi('NewProposal');

const verdictSchema = z
  .object({
    verdict: z.enum(['pass', 'block']),
    rail: z.string().nullable(),
    reason: z.string().nullable(),
    iteration: z.union([iterationSchema, z.null()]),
  })
  .openapi('ProposalVerdict');

const callSchema = z
  .object({
    id: z.string(),
    purpose: z.enum(['propose', 'critic', 'reflect', 'repair']),
    model: z.string(),
    mode: z.string().nullable(),
    messages: z.array(z.object({ role: z.string(), content: z.string() })),
    answer: z.string().nullable(),
    reasoning: z.string().nullable(),
    outcome: z.string(),
    error: z.string().nullable(),
    detail: z.string().nullable(),
    latencyMs: z.number(),
    firstTokenMs: z.number().nullable(),
    promptTokens: z.number().nullable(),
    completionTokens: z.number().nullable(),
    costUsd: z.number().nullable().openapi({
      description: 'at the prices of the model that was called; null when they, or its counts, are not known',
    }),
    createdAt: z.iso.datetime(),
  })
  .openapi('ModelCall');

const numbered = runId.extend({ number: pathNumber('number') });

export function iterations(deps: ApiDeps) {
  const app = router();
  const read = needs(deps, 'read');

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/iterations',
      tags: ['runs'],
      summary: 'The iterations of a run, in order',
      operationId: 'listIterations',
      security: bearer,
      middleware: [read] as const,
      request: { params: runId, query: pageQuery },
      responses: {
        200: answer('a page of iterations', pageOf(iterationSchema, 'IterationPage')),
        ...problems('not_found'),
      },
    }),
    async (c) => {
      const run = await requireRun(deps, c.req.valid('param').id);
      const { cursor, limit } = c.req.valid('query');
      const after = decodeCursor(cursor);
      if (after !== undefined && !/^\d{1,9}$/.test(after))
        throw new AppError('bad_request', 'cursor: is not a cursor that this list gave out');
      const rows = await listIterations(deps.db, run.id, {
        limit: limit + 1,
        after: after === undefined ? undefined : Number(after),
      });
      const page = paged(rows, limit, (row) => String(row.number));
      return c.json({ ...page, items: page.items.map((row) => iterationView(row, run)) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/iterations/{number}',
      tags: ['runs'],
      summary: 'One iteration',
      operationId: 'getIteration',
      security: bearer,
      middleware: [read] as const,
      request: { params: numbered },
      responses: { 200: answer('the iteration', iterationSchema), ...problems('not_found') },
    }),
    async (c) => {
      const { id, number } = c.req.valid('param');
      const run = await requireRun(deps, id);
      const row = await findIteration(deps.db, id, number);
      if (!row) throw new AppError('not_found', `run ${id} has no iteration ${number}`);
      return c.json(iterationView(row, run), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/{id}/proposals',
      tags: ['runs'],
      summary: 'Propose a change, under the same rails as everybody',
      operationId: 'propose',
      security: bearer,
      middleware: [needs(deps, 'run'), idempotent(deps)] as const,
      request: { params: runId, headers: idempotencyHeader, body: body(proposalBody) },
      responses: {
        201: answer('accepted: the iteration that will measure it', verdictSchema),
        200: answer('blocked by a rail: nothing was booked', verdictSchema),
        ...problems(...BAD_BODY, 'not_found', 'illegal_state'),
      },
    }),
    async (c) => {
      const sent = c.req.valid('json');
      const submission =
        'patch' in sent
          ? { patch: sent.patch }
          : 'raw' in sent
            ? { raw: sent.raw }
            : { raw: { knob: sent.knob, new_value: sent.newValue, reason: sent.reason }, candidate: sent.config };
      const run = await requireRun(deps, c.req.valid('param').id);
      const { verdict, iteration } = await submitProposal(deps, run.id, submission);
      if (verdict.verdict === 'block')
        return c.json({ verdict: 'block' as const, rail: verdict.rail, reason: verdict.reason, iteration: null }, 200);
      return c.json(
        {
          verdict: 'pass' as const,
          rail: null,
          reason: null,
          iteration: iteration ? iterationView(iteration, run) : null,
        },
        201,
      );
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/iterations/{number}/prompt',
      tags: ['runs'],
      summary: 'The model calls of an iteration: the exact messages and answers',
      operationId: 'getPrompt',
      security: bearer,
      middleware: [read] as const,
      request: { params: numbered },
      responses: {
        200: answer('the calls, in order; none when no model was asked', z.object({ calls: z.array(callSchema) })),
        ...problems('not_found'),
      },
    }),
    async (c) => {
      const { id, number } = c.req.valid('param');
      const row = await findIteration(deps.db, id, number);
      if (!row) throw new AppError('not_found', `run ${id} has no iteration ${number}`);
      const calls = await listModelCallsOfIteration(deps.db, row.id);
      return c.json(
        {
          calls: calls.map(({ runId: _run, iterationId: _iteration, createdAt, ...call }) => ({
            ...call,
            createdAt: createdAt.toISOString(),
          })),
        },
        200,
      );
    },
  );
  return app;
}
