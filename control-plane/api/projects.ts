import { createRoute, z } from '@hono/zod-openapi';
import { listProjects } from '@nightshift/db';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { decodeCursor, paged, pageOf, pageQuery } from './paging.js';
import { problems } from './problem.js';
import { answer, router } from './router.js';

const projectSchema = z.object({ id: z.string(), name: z.string(), createdAt: z.iso.datetime() }).openapi('Project');

export function projects(deps: ApiDeps) {
  const app = router();
  app.openapi(
    createRoute({
      method: 'get',
      path: '/',
      tags: ['projects'],
      summary: 'List projects, newest first; a project is made by its first run',
      operationId: 'listProjects',
      security: bearer,
      middleware: [needs(deps, 'read')] as const,
      request: { query: pageQuery },
      responses: { 200: answer('a page of projects', pageOf(projectSchema, 'ProjectPage')), ...problems() },
    }),
    async (c) => {
      const { cursor, limit } = c.req.valid('query');
      const page = paged(
        await listProjects(deps.db, { before: decodeCursor(cursor), limit: limit + 1 }),
        limit,
        (row) => row.id,
      );
      return c.json(
        {
          ...page,
          items: page.items.map((row) => ({ id: row.id, name: row.name, createdAt: row.createdAt.toISOString() })),
        },
        200,
      );
    },
  );
  return app;
}
