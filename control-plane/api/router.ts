import { OpenAPIHono } from '@hono/zod-openapi';
import { fieldErrors } from '@nightshift/protocol';
import type { ApiEnv } from './deps.js';
import { problem } from './problem.js';

/** A sub-app whose routes answer a bad parameter, query or body as problem+json that names every field. */
export function router(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
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
}

/** The description of a JSON answer. */
export function answer<T>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } };
}

/** The description of a JSON body that must be there. */
export function body<T>(schema: T) {
  return { required: true, content: { 'application/json': { schema } } };
}
