import { createRoute, z } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import { AppError, ARCHIVE_CHUNK_BYTES, MAX_ARCHIVE_BYTES } from '@nightshift/protocol';
import { appendArchive, findArchive, findToken, readArchive, type ArchiveRow } from '@nightshift/db';
import { bearer, bearerOf, needs } from './auth.js';
import type { ApiDeps, ApiEnv } from './deps.js';
import { problems } from './problem.js';
import { answer, notJson, router } from './router.js';

/** Bytes in one answer of the content: read on from the next offset. */
const MAX_ANSWER_BYTES = 4 * ARCHIVE_CHUNK_BYTES;

const archiveId = z.object({
  id: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')
    .openapi({ param: { name: 'id', in: 'path' }, description: 'SHA-256 of the archive' }),
});
const archiveSchema = z
  .object({
    id: z.string(),
    size: z.number().int(),
    received: z.number().int().openapi({ description: 'bytes that are stored: an upload goes on from here' }),
    isComplete: z.boolean(),
  })
  .openapi('Archive');
const binary = { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } };
const offset = z.coerce.number().int().min(0).max(MAX_ARCHIVE_BYTES);

export function archives(deps: ApiDeps) {
  const app = router();

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}',
      tags: ['archives'],
      summary: 'How far the upload of a working tree is',
      operationId: 'getArchive',
      security: bearer,
      middleware: [needs(deps, 'run')] as const,
      request: { params: archiveId },
      responses: { 200: answer('the archive', archiveSchema), ...problems('not_found') },
    }),
    async (c) => c.json(viewOf(await requireArchive(deps, c.req.valid('param').id)), 200),
  );

  app.openapi(
    createRoute({
      method: 'put',
      path: '/{id}',
      tags: ['archives'],
      summary: 'Upload a part of a working tree',
      description: `At most ${ARCHIVE_CHUNK_BYTES} bytes from \`offset\`; bytes that are there already are skipped, so that a part may be sent again. The last part is answered when the whole has the SHA-256 of the id.`,
      operationId: 'putArchive',
      security: bearer,
      middleware: [needs(deps, 'run')] as const,
      request: {
        params: archiveId,
        query: z.object({ offset, size: z.coerce.number().int().min(1).max(MAX_ARCHIVE_BYTES) }),
        body: { required: true, content: binary },
      },
      responses: {
        200: answer('stored', archiveSchema),
        ...problems('conflict', 'too_large', 'unsupported_media_type'),
      },
    }),
    async (c) => {
      if (c.req.header('content-type')?.split(';')[0]?.trim() !== 'application/octet-stream')
        throw new AppError('unsupported_media_type', 'send the bytes as application/octet-stream');
      const data = Buffer.from(await c.req.arrayBuffer());
      if (data.length === 0) throw new AppError('bad_request', 'body: has no bytes');
      if (data.length > ARCHIVE_CHUNK_BYTES)
        throw new AppError('too_large', `a part may have ${ARCHIVE_CHUNK_BYTES} bytes`);
      const { id } = c.req.valid('param');
      const result = await deps.db.transaction((tx) => appendArchive(tx, { id, ...c.req.valid('query'), data }));
      if (result.kind === 'hash')
        throw new AppError('conflict', 'the bytes do not have the SHA-256 of the id; nothing of them was kept', {
          hint: 'the working tree changed during the upload: begin again',
        });
      const { archive } = result;
      if (result.kind === 'gap')
        throw new AppError('conflict', `${archive.received} bytes are stored: go on from there`);
      if (result.kind === 'size') throw new AppError('conflict', `the archive has ${archive.size} bytes`);
      return c.json(viewOf(archive), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/content',
      tags: ['archives'],
      summary: 'The bytes of an uploaded working tree, for boxes too',
      description: `At most ${MAX_ANSWER_BYTES} bytes from \`offset\`; \`X-Archive-Size\` tells the size of the whole. A box reads it with its own credential.`,
      operationId: 'getArchiveContent',
      security: bearer,
      middleware: [boxOrReader(deps)] as const,
      request: { params: archiveId, query: z.object({ offset: offset.default(0) }) },
      responses: { 200: { description: 'the bytes', content: binary }, ...problems('not_found') },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const archive = await requireArchive(deps, id);
      if (archive.completedAt === null) throw new AppError('not_found', `the upload of ${id} is not complete`);
      const from = c.req.valid('query').offset;
      const bytes = await readArchive(deps.db, id, from, from + MAX_ANSWER_BYTES);
      c.header('content-type', 'application/octet-stream');
      c.header('x-content-type-options', 'nosniff');
      c.header('x-archive-size', String(archive.size));
      return notJson(c.body(new Uint8Array(bytes)));
    },
  );
  return app;
}

/** An API token that may read, or the credential of a box. */
function boxOrReader(deps: Pick<ApiDeps, 'db'>) {
  const read = needs(deps, 'read');
  return createMiddleware<ApiEnv>(async (c, next) => {
    const secret = bearerOf(c);
    const box = secret === undefined ? undefined : await findToken(deps.db, secret, 'box');
    if (!box) return read(c, next);
    c.set('token', box);
    return next();
  });
}

async function requireArchive(deps: Pick<ApiDeps, 'db'>, id: string): Promise<ArchiveRow> {
  const archive = await findArchive(deps.db, id);
  if (!archive) throw new AppError('not_found', `there is no archive ${id}`);
  return archive;
}

function viewOf({ id, size, received, completedAt }: ArchiveRow): z.infer<typeof archiveSchema> {
  return { id, size, received, isComplete: completedAt !== null };
}
