import { AppError, grants } from '@nightshift/protocol';
import { findBoxById, findJob, findLatestAttempt, findToken } from '@nightshift/db';
import type { TerminalLink } from '../fleet/fleet.js';
import { bearerOf, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { router } from './router.js';

/** Bytes on their way to one watcher; what does not fit is dropped and counted. More only lets a slow one lag further behind. */
const WATCHER_BYTES = 1_048_576;
/** Typed bytes in one second; a pasted file is cut off, so that no terminal gathers what its program never reads. */
const TYPED_BYTES = 65_536;
/** A token that is revoked ends what it opened within this time; shorter costs a query a watcher for nothing. */
const RECHECK_MS = 30_000;
const SIZE = /^\{"type":"resize","cols":(\d{1,4}),"rows":(\d{1,4})\}$/;

interface RawSocket {
  readonly bufferedAmount: number;
}

/**
 * The live terminal of a job: `GET /v1/jobs/{id}/terminal`, a websocket. Binary frames are bytes of the terminal, to the client and,
 * with the scope `attach`, from it; text frames are JSON: `{"type":"resize","cols","rows"}` to us, and `{"type":"notice","text"}`,
 * `{"type":"ready","isWritable"}` from us. It closes with 1000 when the job has ended, 1013 when its box is elsewhere, 4401 when the
 * token no longer holds. A plain GET answers why a websocket was refused.
 */
export function attach(deps: ApiDeps) {
  const app = router();
  app.get(
    '/:id/terminal',
    needs(deps, 'read'),
    async (c, next) => {
      const target = await findTarget(deps, c.req.param('id'));
      if (c.req.header('upgrade')?.toLowerCase() === 'websocket') return next();
      if (!deps.fleet.isConnected(target.boxId)) throw elsewhere(target.boxName);
      throw new AppError('bad_request', 'a live terminal is a websocket', {
        hint: `nightshift attach ${c.req.param('id')}`,
      });
    },
    deps.upgradeWebSocket(async (c) => {
      const { boxId, boxName, attempt } = await findTarget(deps, c.req.param('id') ?? '');
      // The upgrade answers with a status alone: a client asks again without one to hear why.
      if (!deps.fleet.isConnected(boxId)) throw elsewhere(boxName);
      const secret = bearerOf(c) ?? '';
      const { scopes } = c.get('token') as { scopes: string[] };
      const isWritable = grants(scopes, 'attach');
      let link: TerminalLink | null = null;
      let recheck: NodeJS.Timeout | undefined;
      let typed = { sinceMs: 0, bytes: 0 };
      let dropped = 0;
      return {
        onOpen: (_event, ws) => {
          const raw = ws.raw as RawSocket;
          const say = (frame: object) => ws.send(JSON.stringify(frame));
          say({ type: 'ready', isWritable });
          link = deps.fleet.watchTerminal(boxId, attempt, {
            data(bytes) {
              if (raw.bufferedAmount > WATCHER_BYTES) {
                dropped += bytes.length;
                return;
              }
              if (dropped > 0) say({ type: 'notice', text: `${dropped} bytes were left out here; the log has them` });
              dropped = 0;
              ws.send(new Uint8Array(bytes));
            },
            notice: (text) => say({ type: 'notice', text }),
            end: (why, isOver) => ws.close(isOver ? 1000 : 1013, why),
          });
          if (!link) {
            ws.close(1013, 'the box is not connected to this control plane');
            return;
          }
          recheck = setInterval(() => {
            findToken(deps.db, secret, 'api').then(
              (token) => token ?? ws.close(4401, 'the token no longer holds'),
              () => undefined, // a database that is away says nothing about a token
            );
          }, RECHECK_MS);
        },
        onMessage: (event, ws) => {
          if (!link) return;
          const isText = typeof event.data === 'string';
          const size = isText ? SIZE.exec(event.data as string) : null;
          const [cols, rows] = [Number(size?.[1]), Number(size?.[2])];
          if (isText && !(cols >= 1 && cols <= 1000 && rows >= 1 && rows <= 1000)) {
            ws.close(4400, 'a text frame is {"type":"resize","cols":1-1000,"rows":1-1000}');
            return;
          }
          if (!isWritable) {
            // A size changes what the job prints: it takes the same right as a key.
            if (!isText)
              ws.send(JSON.stringify({ type: 'notice', text: 'this token may watch; typing takes the scope attach' }));
            return;
          }
          if (isText) {
            link.resize(cols, rows);
            return;
          }
          const bytes = Buffer.from(event.data as ArrayBuffer);
          const nowMs = performance.now();
          if (nowMs - typed.sinceMs > 1000) typed = { sinceMs: nowMs, bytes: 0 };
          typed.bytes += bytes.length;
          if (typed.bytes > TYPED_BYTES)
            ws.send(JSON.stringify({ type: 'notice', text: 'too much at once: what was typed was not passed on' }));
          else link.input(bytes);
        },
        onClose: () => {
          clearInterval(recheck);
          link?.close();
        },
        onError: () => undefined,
      };
    }),
  );
  return app;
}

async function findTarget(deps: ApiDeps, id: string) {
  const job = await findJob(deps.db, id);
  if (!job) throw new AppError('not_found', `there is no job ${id}`);
  if (job.endedAt !== null)
    throw new AppError('illegal_state', `job ${id} has ended (${job.state})`, { hint: `nightshift logs ${id}` });
  const attempt = await findLatestAttempt(deps.db, id);
  if (job.state === 'queued' || !attempt)
    throw new AppError('illegal_state', `job ${id} waits for a box`, { hint: `nightshift logs -f ${id}` });
  const box = await findBoxById(deps.db, attempt.boxId);
  return {
    boxId: attempt.boxId,
    boxName: box?.name ?? attempt.boxId,
    attempt: { attemptId: attempt.id, token: attempt.token },
  };
}

function elsewhere(boxName: string): AppError {
  return new AppError('unavailable', `box ${boxName} is not connected to this control plane`, {
    hint: 'it may be away, or connected to another replica: ask that one, or follow the log with nightshift logs -f',
  });
}
