import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '@nightshift/protocol';
import { pingDatabase } from '@nightshift/db';
import type { ApiDeps } from './deps.js';
import { problemSchema } from './problem.js';
import { answer, router } from './router.js';

/** A database that takes longer is of no use to a request; a shorter limit takes a replica out for one slow checkpoint. */
const READY_MS = 1_000;

const healthSchema = z.object({ status: z.literal('ok'), version: z.string() }).openapi('Health');

/** For supervisors and load balancers, without a token. */
export function health(deps: Pick<ApiDeps, 'db' | 'log' | 'version'>) {
  const app = router();
  const ok = { status: 'ok' as const, version: deps.version };

  app.openapi(
    createRoute({
      method: 'get',
      path: '/healthz',
      tags: ['operation'],
      summary: 'Whether this process answers',
      operationId: 'getHealth',
      security: [],
      responses: { 200: answer('it does', healthSchema) },
    }),
    (c) => c.json(ok, 200),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/readyz',
      tags: ['operation'],
      summary: 'Whether this process can serve: its database answers within a second',
      operationId: 'getReadiness',
      security: [],
      responses: {
        200: answer('it can', healthSchema),
        503: {
          description: 'the database does not answer',
          content: { 'application/problem+json': { schema: problemSchema } },
        },
      },
    }),
    async (c) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<false>((resolve) => {
        timer = setTimeout(() => resolve(false), READY_MS);
      });
      const answered = pingDatabase(deps.db).then(
        () => true,
        (error: unknown) => {
          deps.log.warn({ err: error }, 'the database does not answer');
          return false;
        },
      );
      const isReady = await Promise.race([answered, late]).finally(() => clearTimeout(timer));
      if (!isReady) throw new AppError('database_unavailable', `the database does not answer within ${READY_MS} ms`);
      return c.json(ok, 200);
    },
  );
  return app;
}
