import { createRoute, z } from '@hono/zod-openapi';
import { streamSSE, type SSEStreamingApi } from 'hono/streaming';
import { AppError } from '@nightshift/protocol';
import { isEventCursor, latestEventCursor, listEvents } from '@nightshift/db';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { problems } from './problem.js';
import { notJson, router } from './router.js';
import { waitFor } from './wait.js';

const BATCH = 200;
/** A comment is sent after so much silence, so that proxies keep the stream open (the strictest known cuts at 60 s). */
const QUIET_MS = 15_000;

export function events(deps: ApiDeps) {
  const app = router();
  app.openapi(
    createRoute({
      method: 'get',
      path: '/',
      tags: ['events'],
      summary: 'State changes as server-sent events',
      description:
        'Every event has an id that is a cursor: reconnect with Last-Event-ID (or `after`) and nothing is missed or told twice. Without one the stream begins with what comes next, or with `from=start` at the beginning.',
      operationId: 'streamEvents',
      security: bearer,
      middleware: [needs(deps, 'read')] as const,
      request: {
        headers: z.object({ 'last-event-id': z.string().max(60).optional() }),
        query: z.object({
          run: z.string().max(64).optional(),
          types: z.string().max(1000).optional().openapi({ description: 'comma-separated' }),
          after: z.string().max(60).optional(),
          from: z.enum(['start', 'now']).default('now'),
        }),
      },
      responses: {
        200: { description: 'the stream', content: { 'text/event-stream': { schema: z.string() } } },
        ...problems(),
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const resume = c.req.header('last-event-id') ?? query.after;
      if (resume !== undefined && !isEventCursor(resume))
        throw new AppError('bad_request', `Last-Event-ID: ${resume.slice(0, 60)} is not an id of an event`);
      let after = resume ?? (query.from === 'start' ? '0-0' : await latestEventCursor(deps.db));
      const types = query.types?.split(',').filter(Boolean);
      c.header('cache-control', 'no-store');
      c.header('x-accel-buffering', 'no');
      const requestId = c.get('requestId');
      const follow = async (stream: SSEStreamingApi) => {
        const ended = new AbortController();
        stream.onAbort(() => ended.abort());
        const signal = AbortSignal.any([deps.signal, ended.signal]);
        await stream.write(': connected\n\n');
        while (!signal.aborted) {
          let batch = await listEvents(deps.db, { after, runId: query.run, types, limit: BATCH });
          if (batch.length === 0) {
            await waitFor(signal, QUIET_MS, async () => {
              batch = await listEvents(deps.db, { after, runId: query.run, types, limit: BATCH });
              return batch.length > 0;
            });
            if (batch.length === 0) {
              await stream.write(': quiet\n\n');
              continue;
            }
          }
          for (const { cursor, ...event } of batch) {
            await stream.writeSSE({ id: cursor, event: event.type, data: JSON.stringify(event) });
            after = cursor;
          }
        }
      };
      // The answer has begun: all that is left is to end it. The client comes back with the last id that it got.
      return notJson(
        streamSSE(c, (stream) =>
          // Left to itself the helper would send the fault as an event; a stream that ends is taken up again from its last id.
          follow(stream).catch((error: unknown) => {
            deps.log.warn({ err: error, requestId }, 'an event stream ended early');
          }),
        ),
      );
    },
  );
  return app;
}
