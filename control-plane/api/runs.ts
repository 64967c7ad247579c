import { createRoute, z } from '@hono/zod-openapi';
import { AppError, isTerminalRun, parseSpec, readSpecYaml, RUN_STATES, type Spec } from '@nightshift/protocol';
import { findProject, findRun, listRuns, type RunRow } from '@nightshift/db';
import { whyRunsWait, whyWaiting } from '../fleet/why-waiting.js';
import { createRun } from '../loop/create-run.js';
import { pauseRun, resumeRun, stopRun } from '../loop/steer-run.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { earlierBody, earlierOf } from './earlier.js';
import { idempotencyHeader, idempotent } from './idempotency.js';
import { decodeCursor, paged, pageOf, pageQuery } from './paging.js';
import { BAD_BODY, problems } from './problem.js';
import { answer, body, router } from './router.js';
import { runSchema, runView } from './run-view.js';
import { waitFor } from './wait.js';

export const runId = z.object({
  id: z
    .string()
    .max(64)
    .openapi({ param: { name: 'id', in: 'path' }, example: 'run_01k…' }),
});

/** @throws AppError not_found */
export async function requireRun(deps: Pick<ApiDeps, 'db'>, id: string): Promise<RunRow> {
  const run = await findRun(deps.db, id);
  if (!run) throw new AppError('not_found', `there is no run ${id}`);
  return run;
}

const createBody = z
  .object({
    spec: z
      .union([z.record(z.string(), z.unknown()), z.string().max(1_000_000)])
      .openapi({ description: 'nightshift.yaml: as an object, or as YAML text (errors then carry line and column)' }),
    notes: z.string().max(100_000).optional().openapi({ description: 'strategy notes for the proposer' }),
    earlier: earlierBody.optional(),
  })
  .openapi('NewRun');

function readSpec(input: string | Record<string, unknown>): Spec {
  if (typeof input !== 'string') return parseSpec(input);
  const document = readSpecYaml(input);
  try {
    return parseSpec(document.value);
  } catch (error) {
    if (!(error instanceof AppError) || !error.errors) throw error;
    throw new AppError(error.code, error.message, { errors: document.locate(error.errors) });
  }
}

export function runs(deps: ApiDeps) {
  const app = router();
  const read = needs(deps, 'read');
  const run = needs(deps, 'run');

  app.openapi(
    createRoute({
      method: 'post',
      path: '/',
      tags: ['runs'],
      summary: 'Start a run',
      operationId: 'createRun',
      security: bearer,
      middleware: [run, idempotent(deps)] as const,
      request: { headers: idempotencyHeader, body: body(createBody) },
      responses: { 201: answer('the run', runSchema), ...problems(...BAD_BODY, 'conflict', 'invalid_spec') },
    }),
    async (c) => {
      const { spec, notes, earlier } = c.req.valid('json');
      const parsed = readSpec(spec);
      if (parsed.source.kind === 'path' && !/^(\/|[A-Za-z]:[\\/])/.test(parsed.source.path))
        throw new AppError(
          'invalid_spec',
          'source.path: must be absolute here: a box cannot know what it is relative to',
          {
            errors: [{ path: 'source.path', message: 'must be an absolute path on the box (the CLI makes it one)' }],
          },
        );
      const options = { notes: notes ?? null, earlier: earlier ? earlierOf(earlier, parsed) : null };
      return c.json(runView(await createRun(deps, parsed, options)), 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/',
      tags: ['runs'],
      summary: 'List runs, newest first',
      operationId: 'listRuns',
      security: bearer,
      middleware: [read] as const,
      request: {
        query: pageQuery.extend({ project: z.string().max(64).optional(), state: z.enum(RUN_STATES).optional() }),
      },
      responses: { 200: answer('a page of runs', pageOf(runSchema, 'RunPage')), ...problems('not_found') },
    }),
    async (c) => {
      const { cursor, limit, project, state } = c.req.valid('query');
      const found = project === undefined ? undefined : await findProject(deps.db, project);
      if (project !== undefined && !found) throw new AppError('not_found', `there is no project ${project}`);
      const rows = await listRuns(deps.db, {
        limit: limit + 1,
        before: decodeCursor(cursor),
        projectId: found?.id,
        state,
      });
      const page = paged(rows, limit, (row) => row.id);
      const waiting = await whyRunsWait(deps.db, page.items, new Date());
      return c.json({ ...page, items: page.items.map((row) => runView(row, waiting.get(row.id) ?? null)) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}',
      tags: ['runs'],
      summary: 'One run',
      operationId: 'getRun',
      security: bearer,
      middleware: [read] as const,
      request: { params: runId },
      responses: { 200: answer('the run', runSchema), ...problems('not_found') },
    }),
    async (c) => {
      const run = await requireRun(deps, c.req.valid('param').id);
      return c.json(runView(run, await whyWaiting(deps.db, run, new Date())), 200);
    },
  );

  for (const [verb, act, summary] of [
    ['pause', pauseRun, 'Let what trains end, start nothing new'],
    ['resume', resumeRun, 'Go on where the pause began'],
    ['stop', stopRun, 'Stop the jobs and end the run'],
  ] as const) {
    app.openapi(
      createRoute({
        method: 'post',
        path: `/{id}/${verb}`,
        tags: ['runs'],
        summary,
        operationId: `${verb}Run`,
        security: bearer,
        middleware: [run] as const,
        request: { params: runId },
        responses: { 200: answer('the run', runSchema), ...problems('not_found', 'illegal_state') },
      }),
      async (c) => c.json(runView(await act(deps, c.req.valid('param').id)), 200),
    );
  }

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/wait',
      tags: ['runs'],
      summary: 'Wait until the run has ended, or until the timeout',
      operationId: 'waitForRun',
      security: bearer,
      middleware: [read] as const,
      request: { params: runId, query: z.object({ timeoutSeconds: z.coerce.number().min(0).max(50).default(25) }) },
      responses: {
        200: answer('the run as it is then; ask again while endedAt is null', runSchema),
        ...problems('not_found'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await waitFor(deps.signal, c.req.valid('query').timeoutSeconds * 1000, async () =>
        isTerminalRun((await requireRun(deps, id)).state),
      );
      const run = await requireRun(deps, id);
      return c.json(runView(run, await whyWaiting(deps.db, run, new Date())), 200);
    },
  );
  return app;
}
