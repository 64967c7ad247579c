import { OpenAPIHono, type RouteConfig, type z } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import { fieldErrors } from '@nightshift/protocol';
import type { ApiEnv } from './deps.js';
import { problem } from './problem.js';

/** A sub-app whose routes answer a bad parameter, query or body as problem+json that names every field. */
export function router(): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>({
    defaultHook: (result, c) => {
      if (result.success) return undefined;
      const errors = fieldErrors(result.error).map(({ path, message }) => ({
        path: path || (result.target === 'json' ? 'body' : result.target),
        message,
      }));
      const first = errors[0];
      return problem(c, { code: 'bad_request', detail: `${first?.path}: ${first?.message}`, errors });
    },
  });
  const { openapi } = app;
  // After the route's own middleware: whoever may not ask at all is told that first.
  app.openapi = ((route: RouteConfig, ...rest: unknown[]) =>
    (openapi as (...args: unknown[]) => unknown)(
      { ...route, middleware: [route.middleware ?? [], knownQuery(route)].flat() },
      ...rest,
    )) as typeof openapi;
  return app;
}

/** Refuses a query parameter that the route does not take: a slip in a name would otherwise be an answer to another question. */
function knownQuery(route: RouteConfig) {
  const { query } = route.request ?? {};
  const names = Object.keys((query as z.ZodObject | undefined)?.shape ?? {});
  // A route that has no 400 takes whatever a load balancer adds.
  const isStrict = Object.hasOwn(route.responses, 400);
  return createMiddleware<ApiEnv>(async (c, next) => {
    const unknown = isStrict ? Object.keys(c.req.query()).filter((name) => !names.includes(name)) : [];
    if (unknown.length === 0) return next();
    const message = names.length === 0 ? 'this route takes no query' : `this route takes ${names.join(', ')}`;
    const detail = `query: there is no parameter ${unknown.map((name) => JSON.stringify(name.slice(0, 40))).join(', ')}; ${message}`;
    return problem(c, { code: 'bad_request', detail, errors: unknown.map((path) => ({ path, message })) });
  });
}

/** The description of a JSON answer. */
export function answer<T>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } };
}

/** An answer that is no JSON, from a route whose types know JSON alone. */
export function notJson(response: Response): never {
  return response as never;
}

/** The description of a JSON body that must be there. */
export function body<T>(schema: T) {
  return { required: true, content: { 'application/json': { schema } } };
}
