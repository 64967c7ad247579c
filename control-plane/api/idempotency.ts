import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
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
    const seal = sealOf(c.req.header('authorization') ?? '', key);
    const request = `${c.req.method} ${c.req.path} ${createHash('sha256')
      .update(await c.req.text())
      .digest('hex')}`;
    const claim = await claimIdempotencyKey(deps.db, tokenId, key, request);
    if (claim.kind === 'mismatch')
      throw new AppError('idempotency_mismatch', `the key ${key} was used with another request`);
    if (claim.kind === 'in_progress')
      throw new AppError('conflict', `the request with the key ${key} is still being answered; try again`);
    if (claim.kind === 'unknown')
      throw new AppError(
        'conflict',
        `the request with the key ${key} was never answered and its outcome is unknown: look in the list whether it was carried out, and use a new key if it was not`,
      );
    if (claim.kind === 'replay')
      return c.body(seal.open(String(claim.body)), claim.status as ContentfulStatusCode, {
        'content-type': 'application/json',
        'idempotency-replayed': 'true',
      });
    // An error thrown below has become an answer by the time next() is back.
    await next();
    if (c.res.status >= 200 && c.res.status < 300)
      await storeIdempotentAnswer(deps.db, tokenId, key, {
        status: c.res.status,
        body: seal.close(await c.res.clone().text()),
      });
    else await releaseIdempotencyKey(deps.db, tokenId, key);
    return undefined;
  });
}

/**
 * An answer may carry a secret that is shown once, and no secret is stored in the clear. The answer is sealed (AES-256-GCM) under what only
 * the caller has: the bearer token, of which the database knows a hash.
 */
function sealOf(authorization: string, idempotencyKey: string) {
  const secret = authorization.split(' ')[1] ?? '';
  const key = Buffer.from(hkdfSync('sha256', secret, idempotencyKey, 'nightshift idempotency', 32));
  return {
    close(text: string): string {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
    },
    open(sealed: string): string {
      const bytes = Buffer.from(sealed, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    },
  };
}
