import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '@nightshift/protocol';
import {
  decideNote,
  findAdoptedNote,
  findNote,
  insertNote,
  listNotes,
  recordEvent,
  type NoteRow,
} from '@nightshift/db';
import { diffOf } from '../patch/diff-of.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { idempotencyHeader, idempotent } from './idempotency.js';
import { pathNumber } from './path-number.js';
import { BAD_BODY, problems } from './problem.js';
import { answer, body, router } from './router.js';
import { requireRun, runId } from './runs.js';

const noteSchema = z
  .object({
    version: z.number().int(),
    body: z.string(),
    author: z.enum(['person', 'model']),
    state: z.enum(['proposed', 'adopted', 'rejected']),
    reason: z.string().nullable(),
    diff: z
      .string()
      .nullable()
      .openapi({ description: 'what it changes against the notes in force, while it is proposed' }),
    createdAt: z.iso.datetime(),
  })
  .openapi('Notes');

function noteView(row: NoteRow, adopted: NoteRow | undefined): z.infer<typeof noteSchema> {
  return {
    version: row.version,
    body: row.body,
    author: row.author,
    state: row.state,
    reason: row.reason,
    diff: row.state === 'proposed' ? diffOf('notes.md', adopted?.body ?? null, row.body).diff : null,
    createdAt: row.createdAt.toISOString(),
  };
}

const versioned = runId.extend({ version: pathNumber('version') });

export function notes(deps: ApiDeps) {
  const app = router();

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/notes',
      tags: ['runs'],
      summary: 'The strategy notes of a run, every version',
      operationId: 'listNotes',
      security: bearer,
      middleware: [needs(deps, 'read')] as const,
      request: { params: runId },
      responses: {
        200: answer('the versions, oldest first', z.object({ items: z.array(noteSchema) })),
        ...problems('not_found'),
      },
    }),
    async (c) => {
      const run = await requireRun(deps, c.req.valid('param').id);
      const adopted = await findAdoptedNote(deps.db, run.id);
      return c.json({ items: (await listNotes(deps.db, run.id)).map((row) => noteView(row, adopted)) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/{id}/notes',
      tags: ['runs'],
      summary: 'Write new strategy notes; proposers read them from now on',
      operationId: 'writeNotes',
      security: bearer,
      middleware: [needs(deps, 'run'), idempotent(deps)] as const,
      request: {
        params: runId,
        headers: idempotencyHeader,
        body: body(z.object({ body: z.string().min(1).max(100_000) }).openapi('NewNotes')),
      },
      responses: {
        201: answer('the new version', noteSchema),
        ...problems(...BAD_BODY, 'not_found', 'illegal_state'),
      },
    }),
    async (c) => {
      const run = await requireRun(deps, c.req.valid('param').id);
      if (run.endedAt) throw new AppError('illegal_state', `the run is ${run.state}; nobody reads its notes any more`);
      const row = await deps.db.transaction(async (tx) => {
        const note = await insertNote(tx, {
          runId: run.id,
          body: c.req.valid('json').body,
          author: 'person',
          state: 'adopted',
          reason: null,
        });
        await recordEvent(tx, {
          type: 'notes.adopted',
          runId: run.id,
          payload: { version: note.version, by: c.get('token').name },
        });
        return note;
      });
      return c.json(noteView(row, row), 201);
    },
  );

  for (const [verb, to, summary] of [
    ['adopt', 'adopted', 'Take over the notes that the model proposed'],
    ['reject', 'rejected', 'Turn them down'],
  ] as const) {
    app.openapi(
      createRoute({
        method: 'post',
        path: `/{id}/notes/{version}/${verb}`,
        tags: ['runs'],
        summary,
        operationId: `${verb}Notes`,
        security: bearer,
        middleware: [needs(deps, 'run')] as const,
        request: { params: versioned },
        responses: { 200: answer('the version', noteSchema), ...problems('not_found', 'illegal_state') },
      }),
      async (c) => {
        const { id, version } = c.req.valid('param');
        await requireRun(deps, id);
        const known = await findNote(deps.db, id, version);
        if (!known) throw new AppError('not_found', `run ${id} has no notes of version ${version}`);
        const row = await deps.db.transaction(async (tx) => {
          const note = await decideNote(tx, id, version, to);
          if (note)
            await recordEvent(tx, { type: `notes.${to}`, runId: id, payload: { version, by: c.get('token').name } });
          return note;
        });
        if (!row) throw new AppError('illegal_state', `version ${version} was decided before: it is ${known.state}`);
        return c.json(noteView(row, row), 200);
      },
    );
  }
  return app;
}
