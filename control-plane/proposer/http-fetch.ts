import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** Raised through a response's body when a server sends more than was allowed. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
}

/** What goes out and nothing else: no client telemetry, and no key where none is meant to go. */
const SENT_HEADERS = ['accept', 'authorization', 'content-type', 'user-agent'];

/**
 * A `fetch` for model servers over node:http. Node's own gives up after 300 s without headers or between two chunks,
 * whatever timeout was asked for, and a small box may take longer over a long prompt; here only the signal ends a
 * call. It follows no redirect (a key must not travel), opens a socket a call (a stale one cannot fail it), and
 * ends a body above `maxBytes` with AnswerTooLarge.
 */
export function createHttpFetch(options: { maxBytes: number; withKey: boolean }): typeof fetch {
  return (input, init) =>
    new Promise<Response>((resolve, reject) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const given = new Headers(init?.headers);
      const headers: Record<string, string> = {};
      for (const name of SENT_HEADERS) {
        const value = given.get(name);
        if (value !== null && (name !== 'authorization' || options.withKey)) headers[name] = value;
      }
      const body = typeof init?.body === 'string' ? init.body : '';
      headers['content-length'] = String(Buffer.byteLength(body));
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = send(url, { method: init?.method ?? 'GET', headers, agent: false }, (response) => {
        try {
          resolve(toResponse(response, options.maxBytes));
        } catch (error) {
          // A status or header that is none must fail this call, not the process.
          response.destroy();
          reject(error as Error);
        }
      });
      const signal = init?.signal;
      const abort = () => request.destroy(new DOMException('aborted', 'AbortError'));
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
      request.on('close', () => signal?.removeEventListener('abort', abort));
      request.on('error', reject);
      request.end(body);
    });
}

function toResponse(message: IncomingMessage, maxBytes: number): Response {
  const status = message.statusCode ?? 0;
  const headers = Object.entries(message.headers).map(([name, value]): [string, string] => [name, String(value)]);
  if (status === 204 || status === 205 || status === 304) {
    message.resume();
    return new Response(null, { status, headers });
  }
  return new Response(boundedBody(message, maxBytes), { status, headers });
}

function boundedBody(response: IncomingMessage, maxBytes: number): ReadableStream<Uint8Array> {
  let received = 0;
  let isDone = false;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const end = (finish: () => void) => {
        if (isDone) return;
        isDone = true;
        finish();
      };
      response.on('data', (chunk: Buffer) => {
        if (isDone) return;
        received += chunk.byteLength;
        if (received > maxBytes) {
          end(() => controller.error(new AnswerTooLarge(`more than ${maxBytes} bytes`)));
          response.destroy();
          return;
        }
        controller.enqueue(new Uint8Array(chunk));
        if ((controller.desiredSize ?? 0) <= 0) response.pause();
      });
      response.on('end', () => end(() => controller.close()));
      response.on('error', (error) => end(() => controller.error(error)));
      response.on('close', () => end(() => controller.error(new Error('the connection closed in mid-answer'))));
    },
    pull() {
      response.resume();
    },
    cancel() {
      isDone = true;
      response.destroy();
    },
  });
}
