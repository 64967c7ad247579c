import { randomUUID } from 'node:crypto';
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { AppError, DEFAULT_PORT, specJsonSchema } from '@nightshift/protocol';
import { agentSocket } from './agent-socket.js';
import { archives } from './archives.js';
import { attach } from './attach.js';
import { boxes } from './boxes.js';
import { cleanText } from './clean-text.js';
import { code } from './code.js';
import type { ApiDeps, ApiEnv } from './deps.js';
import { docs } from './docs.js';
import { enrolments } from './enrolments.js';
import { events } from './events.js';
import { root } from './root.js';
import { health } from './health.js';
import { iterations } from './iterations.js';
import { jobs } from './jobs.js';
import { notes } from './notes.js';
import { policy } from './policy.js';
import { problem, problemOf } from './problem.js';
import { projects } from './projects.js';
import { prometheus } from './prometheus.js';
import { prompt } from './prompt.js';
import { rewind } from './rewind.js';
import { runs } from './runs.js';
import { tokens } from './tokens.js';
import { trajectory } from './trajectory.js';
import { webhooks } from './webhooks.js';

/** Bodies are specs, proposals and menus. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** The whole REST API as one fetch handler. */
export function createApp(deps: ApiDeps): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>();
  const metrics = prometheus(deps);
  app.use(metrics.observe);
  app.use(async (c, next) => {
    const given = c.req.header('x-request-id');
    c.set('requestId', given !== undefined && /^[\w-]{1,100}$/.test(given) ? given : randomUUID());
    await next();
    c.header('x-request-id', c.get('requestId'));
  });
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (c) => problem(c, { code: 'too_large', detail: `a body may have ${MAX_BODY_BYTES} bytes` }),
    }),
  );
  app.use(cleanText);
  app.notFound((c) =>
    problem(c, { code: 'not_found', detail: `${c.req.method} ${c.req.path} is not a route; see /docs` }),
  );
  app.onError((error, c) => {
    if (error instanceof AppError) return problemOf(c, error);
    if (error instanceof HTTPException && error.status < 500)
      return problem(c, {
        code: error.status === 415 ? 'unsupported_media_type' : 'bad_request',
        status: error.status as 400,
        detail: error.message || 'the request is not valid',
      });
    // Everything to the log, a generic line and the request id to the caller.
    deps.log.error({ err: error, requestId: c.get('requestId'), path: c.req.path }, 'a request failed');
    return problem(c, { code: 'internal', detail: `the request failed; the log has more under ${c.get('requestId')}` });
  });
  app.route('/v1/agent', agentSocket(deps));
  app.route('/v1/projects', projects(deps));
  app.route('/v1/runs', runs(deps));
  app.route('/v1/runs', iterations(deps));
  app.route('/v1/runs', trajectory(deps));
  app.route('/v1/runs', notes(deps));
  app.route('/v1/runs', code(deps));
  app.route('/v1/runs', prompt(deps));
  app.route('/v1/runs', rewind(deps));
  app.route('/v1/archives', archives(deps));
  app.route('/v1/jobs', jobs(deps));
  app.route('/v1/jobs', attach(deps));
  app.route('/v1/boxes', boxes(deps));
  app.route('/v1/enrolments', enrolments(deps));
  app.route('/v1/tokens', tokens(deps));
  app.route('/v1/policy', policy(deps));
  app.route('/v1/events', events(deps));
  app.route('/v1/webhooks', webhooks(deps));
  app.route('/metrics', metrics.routes);
  app.route('/docs', docs());
  app.route('/', health(deps));
  app.route('/', root(deps));
  app.get('/v1/spec.schema.json', (c) => c.json(specJsonSchema()));
  app.get('/openapi.json', (c) => c.json({ ...describe(app, deps.version), servers: [{ url: '/' }] }));
  return app;
}

function describe(app: OpenAPIHono<ApiEnv>, version: string) {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'an API token: nightshift token create',
  });
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Nightshift',
      version,
      description:
        'Autonomous research on your own GPU boxes. Errors are application/problem+json; lists page by cursor and limit; a query parameter that a route does not take is a 400; a POST that creates takes Idempotency-Key.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: `http://127.0.0.1:${DEFAULT_PORT}`, description: 'a control plane on this machine' }],
  });
}

/** The OpenAPI document of the API, made without a database. */
export function openApiDocument(version: string) {
  const unused = new Proxy({}, { get: () => () => undefined }) as never;
  const upgradeWebSocket: ApiDeps['upgradeWebSocket'] = () => async (_c, next) => next();
  const app = createApp({
    db: unused,
    log: unused,
    wake: unused,
    fleet: unused,
    version,
    upgradeWebSocket,
    signal: new AbortController().signal,
  });
  return describe(app, version);
}
