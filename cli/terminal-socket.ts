import WebSocket from 'ws';
import { AppError } from '@nightshift/protocol';
import { problemOf } from './client.js';
import type { Connection } from './connection.js';

export interface TerminalSocket {
  /** Bytes as if typed; nothing happens without the scope `attach`. */
  type(bytes: Buffer): void;
  resize(cols: number, rows: number): void;
  close(): void;
  /** How it ended. Whoever closed it knows; `isOver` says that the job has ended. */
  ended: Promise<{ isOver: boolean; why: string }>;
}
export interface TerminalHandlers {
  onReady(isWritable: boolean): void;
  onBytes(bytes: Buffer): void;
  onNotice(text: string): void;
}

/** A server that takes the connection and then says nothing would hold the command for ever. */
const HANDSHAKE_MS = 10_000;
/** Ends a socket whose other side has gone without a word. */
const PING_MS = 20_000;
/** Closes after which asking again is of no use. */
const FINAL: Record<number, string> = { 4400: 'protocol_error', 4401: 'unauthenticated' };

/**
 * Opens the live terminal of a job.
 * @throws AppError with the server's own words when it refuses, `unavailable` when it does not answer.
 */
export async function openTerminalSocket(
  { server, token }: Connection,
  jobId: string,
  handlers: TerminalHandlers,
): Promise<TerminalSocket> {
  const path = `/v1/jobs/${encodeURIComponent(jobId)}/terminal`;
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(server.replace(/^http/, 'ws') + path, {
    headers,
    handshakeTimeout: HANDSHAKE_MS,
    perMessageDeflate: false,
  });
  let isAlive = true;
  socket.on('pong', () => (isAlive = true));
  socket.on('message', (data: Buffer, isBinary) => {
    isAlive = true;
    if (isBinary) {
      handlers.onBytes(data);
      return;
    }
    const frame = JSON.parse(data.toString('utf8')) as { type?: unknown; isWritable?: unknown; text?: unknown };
    if (frame.type === 'ready') handlers.onReady(frame.isWritable === true);
    else if (frame.type === 'notice') handlers.onNotice(String(frame.text));
  });
  const ended = new Promise<{ isOver: boolean; why: string }>((resolve, reject) => {
    socket.once('close', (code, reason) => {
      const why = reason.toString() || `the connection ended (${code})`;
      if (FINAL[code]) reject(new AppError(code === 4401 ? 'unauthenticated' : 'protocol_error', why));
      else resolve({ isOver: code === 1000, why });
    });
  });
  ended.catch(() => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      // The refusal of an upgrade has no body: the same address without one tells why.
      fetch(server + path, { headers })
        .then(async (answer) => {
          const why = problemOf(answer, await answer.json().catch(() => null));
          reject(
            answer.status === response.statusCode
              ? why
              : new AppError('unavailable', `the terminal was refused (${response.statusCode ?? 'no status'})`),
          );
        })
        .catch(reject);
    });
  }).catch((error: unknown) => {
    if (error instanceof AppError) throw error;
    throw new AppError('unavailable', `the control plane does not answer at ${server}`, { cause: error });
  });
  socket.on('error', () => undefined); // the close that follows says it
  const ping = setInterval(() => {
    if (!isAlive) socket.terminate();
    isAlive = false;
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, PING_MS);
  ended.then(
    () => clearInterval(ping),
    () => clearInterval(ping),
  );
  return {
    type: (bytes) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(bytes);
    },
    resize: (cols, rows) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'resize', cols, rows }));
    },
    close: () => socket.close(1000),
    ended,
  };
}
