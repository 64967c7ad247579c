import { createMiddleware } from 'hono/factory';
import { AppError, unstorableText } from '@nightshift/protocol';
import type { ApiEnv } from './deps.js';

/** The escapes with which JSON can write what UTF-8 cannot carry; most bodies have none and are not looked at further. */
const SUSPECT = /\\u(?:0000|d[89a-f])/i;

/** Refuses text that the database cannot store, with the places where it stands. */
export const cleanText = createMiddleware<ApiEnv>(async (c, next) => {
  if (c.req.url.includes('%00')) throw new AppError('bad_request', 'the URL contains a NUL character');
  if (c.req.header('content-type')?.includes('json') && SUSPECT.test(await c.req.text())) {
    const errors = unstorableText(await c.req.json().catch(() => null)).map((error) => ({
      ...error,
      path: error.path || 'body',
    }));
    if (errors[0]) throw new AppError('bad_request', `${errors[0].path}: ${errors[0].message}`, { errors });
  }
  await next();
});
