import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { AppError, grants, type Scope } from '@nightshift/protocol';
import { findToken } from '@nightshift/db';
import type { ApiDeps, ApiEnv } from './deps.js';

/** The secret that a request carries. */
export function bearerOf(c: Context): string | undefined {
  return /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
}

/** Lets a request pass whose bearer token is an API token with this scope, or one that includes it. */
export function needs(deps: Pick<ApiDeps, 'db'>, scope: Scope) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const secret = bearerOf(c);
    const token = secret === undefined ? undefined : await findToken(deps.db, secret, 'api');
    if (!token)
      throw new AppError(
        'unauthenticated',
        secret === undefined ? 'send Authorization: Bearer <token>' : 'the token is unknown, revoked or expired',
        {
          hint: 'nightshift token create, or the token file that serve wrote on its first start',
        },
      );
    if (!grants(token.scopes, scope))
      throw new AppError(
        'forbidden',
        `this needs the scope ${scope}; the token "${token.name}" has ${token.scopes.join(', ') || 'none'}`,
      );
    c.set('token', token);
    await next();
  });
}

/** The security requirement of a route, for its OpenAPI description. */
export const bearer = [{ bearer: [] as string[] }];
