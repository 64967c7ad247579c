import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createModel, refusalOf, type Behaviour, type ChatRequest, type Refusal, type Said } from './behaviours.js';
import { seededRandom } from './choose.js';

export interface ModelServerOptions {
  behaviour: Behaviour;
  /** From the request to the first token. */
  latencyMs?: number;
  /** 0 takes a free one. */
  port?: number;
  host?: string;
  seed?: number;
  /** status429, status500, cut: how many requests fail before the server recovers; for ever when left out. */
  failures?: number;
  /** Sent with a 429; 0 by default so that tests need not wait. */
  retryAfterSeconds?: number;
  /** drip: milliseconds between two bytes. */
  dripMs?: number;
  /** A script of the test's own: its answer to the messages' text, where it has one, instead of the behaviour's. */
  script?: (text: string) => string | null;
}
/** A request as it came, and what became of it. */
export interface ServedCall {
  body: ChatRequest;
  headers: IncomingMessage['headers'];
  status: number | null;
  said: Said | null;
  /** The client hung up before the answer was whole. */
  isAbandoned: boolean;
}
export interface ModelServer {
  /** What goes into `proposer.model.baseUrl`. */
  url: string;
  calls: ServedCall[];
  close(): Promise<void>;
}

/** Starts a real OpenAI-compatible chat server on a socket, with the manners that `behaviour` names. */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const calls: ServedCall[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const random = seededRandom(options.seed ?? 1);
  const context: Context = {
    options,
    calls,
    model: createModel(options.behaviour, random, options.script),
    recovered: createModel('well-behaved', random),
    wait: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          resolve();
        }, ms);
        timers.add(timer);
      }),
  };
  const server = createServer((request, response) => {
    handle(context, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host ?? '127.0.0.1'}:${port}/v1`,
    calls,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Context {
  options: ModelServerOptions;
  calls: ServedCall[];
  model: (request: ChatRequest) => Said;
  recovered: (request: ChatRequest) => Said;
  wait: (ms: number) => Promise<void>;
}

async function readBody(request: IncomingMessage): Promise<ChatRequest | null> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return typeof body === 'object' && body !== null && Array.isArray((body as ChatRequest).messages)
      ? (body as ChatRequest)
      : null;
  } catch {
    return null;
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function sendRefusal(response: ServerResponse, refusal: Refusal, headers: Record<string, string> = {}): void {
  const { status, ...error } = refusal;
  sendJson(response, status, { error }, headers);
}

async function handle(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { options, calls } = context;
  if (request.method === 'GET' && request.url === '/v1/models')
    return sendJson(response, 200, { object: 'list', data: [{ id: options.behaviour, object: 'model' }] });
  const unknown = { type: 'invalid_request_error', param: null, code: null };
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions')
    return sendRefusal(response, { ...unknown, status: 404, message: 'no such path' });
  const body = await readBody(request);
  if (!body) return sendRefusal(response, { ...unknown, status: 400, message: 'messages: needs an array' });
  const call: ServedCall = { body, headers: request.headers, status: null, said: null, isAbandoned: false };
  calls.push(call);
  response.on('close', () => (call.isAbandoned = !response.writableFinished));

  const isRecovered = calls.length > (options.failures ?? Infinity);
  const refusal = isRecovered ? null : refusalOf(options.behaviour, body);
  if (refusal) {
    call.status = refusal.status;
    const retry = refusal.status === 429 ? { 'retry-after': String(options.retryAfterSeconds ?? 0) } : undefined;
    return sendRefusal(response, refusal, retry);
  }
  if (options.behaviour === 'never') return;
  call.status = 200;
  if (options.behaviour === 'html') {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!doctype html><title>Sign in to the network</title>');
    return;
  }
  const said = (isRecovered ? context.recovered : context.model)(body);
  call.said = said;
  if (body.stream !== true || options.behaviour === 'no-stream') {
    await context.wait(options.latencyMs ?? 0);
    return sendJson(response, 200, completion(body, said));
  }
  await stream(context, body, said, response, isRecovered);
}

function usageOf(body: ChatRequest, said: Said): Record<string, number> {
  const tokens = (text: string) => Math.ceil(Buffer.byteLength(text) / 4);
  const prompt = (body.messages ?? []).reduce((sum, message) => sum + tokens(String(message.content)), 0);
  const completion = tokens(said.content) + tokens(said.reasoning);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function completion(body: ChatRequest, said: Said): unknown {
  const message = {
    role: 'assistant',
    content: said.content,
    ...(said.reasoning ? { reasoning_content: said.reasoning } : {}),
  };
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: body.model,
    choices: [{ index: 0, message, finish_reason: said.finish }],
    usage: usageOf(body, said),
  };
}

/** The chunks of a stream as vLLM and OpenAI send them: role first, pieces of text, the finish, usage if asked. */
function chunksOf(body: ChatRequest, said: Said): string[] {
  const chunk = (choices: unknown[], more: Record<string, unknown> = {}) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: body.model, choices, ...more })}\n\n`;
  const delta = (fields: Record<string, unknown>, finish: string | null = null) =>
    chunk([{ index: 0, delta: fields, finish_reason: finish }]);
  const pieces = (text: string) => text.match(/[\s\S]{1,12}/g) ?? [];
  return [
    delta({ role: 'assistant', content: '' }),
    ...pieces(said.reasoning).map((text) => delta({ reasoning_content: text })),
    ...pieces(said.content).map((text) => delta({ content: text })),
    delta({}, said.finish),
    ...(body.stream_options?.include_usage === true ? [chunk([], { usage: usageOf(body, said) })] : []),
    'data: [DONE]\n\n',
  ];
}

async function stream(
  context: Context,
  body: ChatRequest,
  said: Said,
  response: ServerResponse,
  isRecovered: boolean,
): Promise<void> {
  const behaviour = isRecovered ? 'well-behaved' : context.options.behaviour;
  const chunks = chunksOf(body, said);
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.flushHeaders();
  await context.wait(context.options.latencyMs ?? 0);
  if (behaviour === 'cut') {
    response.write(chunks.slice(0, 3).join(''), () => response.destroy());
    return;
  }
  if (behaviour === 'drip') {
    for (const byte of Buffer.from(chunks.join(''))) {
      if (response.destroyed) return;
      response.write(Buffer.from([byte]));
      await context.wait(context.options.dripMs ?? 1000);
    }
  } else if (behaviour === 'flood') {
    const block = `data: ${'x'.repeat(65_536)}`;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    while (!response.destroyed) {
      if (!response.write(block)) await once(response, 'drain', { signal: gone.signal }).catch(() => undefined);
    }
    return;
  } else for (const chunk of chunks) response.write(chunk);
  response.end();
}
