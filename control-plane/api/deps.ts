import type { Context, Env, MiddlewareHandler } from 'hono';
import type { WSEvents } from 'hono/ws';
import type { Db, TokenRow } from '@nightshift/db';
import type { Fleet } from '../fleet/fleet.js';
import type { Log, Wake } from '../loop/deps.js';

/** What the app is made of. The host (Node, or a serverless one) supplies it; the app itself is a plain fetch handler. */
export interface ApiDeps {
  db: Db;
  log: Log;
  wake: Wake;
  fleet: Fleet;
  version: string;
  /** The host's way to upgrade a request to a websocket. */
  upgradeWebSocket: (events: (c: Context) => WSEvents | Promise<WSEvents>) => MiddlewareHandler;
  /** Ends long answers (event streams, log follows) when the host shuts down. */
  signal: AbortSignal;
}

/** Set by the middleware for every route below it. */
export interface ApiEnv extends Env {
  Variables: { requestId: string; token: TokenRow };
}
