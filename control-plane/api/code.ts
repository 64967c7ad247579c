import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '@nightshift/protocol';
import { findCodeState } from '@nightshift/db';
import { comparatorOf } from '../loop/comparator.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { problems } from './problem.js';
import { answer, router } from './router.js';
import { requireRun, runId } from './runs.js';

const codeSchema = z
  .object({
    comparator: z.enum(['incumbent', 'baseline']),
    codeKey: z.string().openapi({ description: 'SHA-256 of the editable files together' }),
    baseCommit: z.string().nullable().openapi({ description: 'the commit of the source that the run started from' }),
    files: z.array(z.object({ path: z.string(), content: z.string() })),
    sealed: z.array(z.string()),
    maxChangedLines: z.number().int(),
  })
  .openapi('Code');

export function code(deps: ApiDeps) {
  const app = router();
  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/code',
      tags: ['runs'],
      summary: 'Code mode: the editable files that the next patch changes',
      operationId: 'getCode',
      security: bearer,
      middleware: [needs(deps, 'read')] as const,
      request: { params: runId },
      responses: { 200: answer('the files', codeSchema), ...problems('not_found', 'illegal_state') },
    }),
    async (c) => {
      const run = await requireRun(deps, c.req.valid('param').id);
      const { edit } = run.spec;
      if (!edit) throw new AppError('illegal_state', 'the run is in menu mode: it has no editable files');
      const comparator = comparatorOf(run);
      const key = comparator.codeKey ?? run.baselineCodeKey;
      const files = key === null ? undefined : await findCodeState(deps.db, key);
      if (key === null || !files)
        throw new AppError(
          'illegal_state',
          'no box has told the source of this run yet; ask again when its baseline runs',
        );
      return c.json(
        {
          comparator: comparator.which,
          codeKey: key,
          baseCommit: run.baseCommit,
          files,
          sealed: edit.sealed,
          maxChangedLines: edit.maxChangedLines,
        },
        200,
      );
    },
  );
  return app;
}
