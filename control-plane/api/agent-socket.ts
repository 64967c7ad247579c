import { Hono } from 'hono';
import { findToken } from '@nightshift/db';
import type { Session } from '../fleet/fleet.js';
import { bearerOf } from './auth.js';
import type { ApiDeps, ApiEnv } from './deps.js';

interface RawSocket {
  ping(): void;
  terminate(): void;
  on(event: 'pong', listener: () => void): void;
}

/** The one websocket of a box: `GET /v1/agent` with the box's credential as bearer token. */
export function agentSocket(deps: ApiDeps): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.get(
    '/',
    async (c, next) => {
      const credential = bearerOf(c);
      const token = credential === undefined ? undefined : await findToken(deps.db, credential, 'box');
      // The upgrade answers with a status alone: a body would not reach the client.
      if (!token?.boxId) return c.body(null, 401);
      if (c.req.header('upgrade')?.toLowerCase() !== 'websocket')
        return c.text('this is the websocket of a box\n', 426);
      c.set('token', token);
      return next();
    },
    deps.upgradeWebSocket((c: { get(key: 'token'): { boxId: string | null } }) => {
      const boxId = c.get('token').boxId as string;
      let session: Session | undefined;
      return {
        onOpen: (_event, ws) => {
          const raw = ws.raw as RawSocket;
          session = deps.fleet.connect(boxId, {
            send: (text) => ws.send(text),
            ping: () => raw.ping(),
            close: (code, reason) => ws.close(code, reason),
            terminate: () => raw.terminate(),
          });
          const current = session;
          raw.on('pong', () => {
            current.isAlive = true;
          });
        },
        onMessage: (event) => {
          if (typeof event.data === 'string') session?.receive(event.data);
          else session?.end(4400, 'frames are text');
        },
        onClose: () => {
          if (session) deps.fleet.disconnect(session);
        },
        onError: () => undefined,
      };
    }),
  );
  return app;
}
