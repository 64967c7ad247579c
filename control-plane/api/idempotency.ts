import { createHash } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from '@hono/zod-openapi';
import { AppError } from '@nightshift/protocol';
import { claimIdempotencyKey, releaseIdempotencyKey, storeIdempotentAnswer } from '@nightshift/db';
import type { ApiDeps, ApiEnv } from './deps.js';

export const idempotencyHeader = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(200)
    .optional()
    .openapi({ description: 'The same key and body answer with the same resource; another body is a conflict.' }),
});

/** Answers a repeated POST with what the first one answered. Stands behind `needs`, since keys belong to a token. */
export function idempotent(deps: Pick<ApiDeps, 'db'>) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const key = c.req.header('idempotency-key');
    if (key === undefined) return next();
    if (key.length === 0 || key.length > 200)
      throw new AppError('bad_request', 'Idempotency-Key needs 1 to 200 characters');
    const tokenId = c.get('token').id;
    const request = `${c.req.method} ${c.req.path} ${createHash('sha256')
      .update(await c.req.text())
      .digest('hex')}`;
    const claim = await claimIdempotencyKey(deps.db, tokenId, key, request);
    if (claim.kind === 'mismatch')
      throw new AppError('idempotency_mismatch', `the key ${key} was used with another request`);
    if (claim.kind === 'in_progress')
      throw new AppError('conflict', `the request with the key ${key} is still being answered; try again`);
    if (claim.kind === 'replay')
      return c.json(claim.body, claim.status as ContentfulStatusCode, { 'idempotency-replayed': 'true' });
    try {
      await next();
    } catch (error) {
      await releaseIdempotencyKey(deps.db, tokenId, key);
      throw error;
    }
    if (c.res.status >= 200 && c.res.status < 300)
      await storeIdempotentAnswer(deps.db, tokenId, key, { status: c.res.status, body: await c.res.clone().json() });
    else await releaseIdempotencyKey(deps.db, tokenId, key);
    return undefined;
  });
}
