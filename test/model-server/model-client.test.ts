import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { ModelSpec } from '@nightshift/protocol';
import {
  callModel,
  capabilityKey,
  type Capabilities,
  type ModelAnswer,
  type ModelDeps,
  type ModelRequest,
} from '@nightshift/control-plane/proposer/index';
import { afterEach, expect, test } from 'vitest';
import { startModelServer, type ModelServer, type ModelServerOptions } from './index.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const SCHEMA = { type: 'object', properties: { knob: { type: 'string' } } };
const PROMPT =
  '# The menu\n{"knob":"lr","type":"float","range":[0.001,0.1],"scale":"log","now":0.01,"default":0.01,"tried":0}\n';

function spec(baseUrl: string, fields: Partial<ModelSpec> = {}): ModelSpec {
  return {
    baseUrl,
    name: 'test-model',
    temperature: 0.5,
    maxTokens: 256,
    contextTokens: 8192,
    timeoutMs: 5000,
    apiKeyEnv: null,
    inputUsdPerMillion: null,
    outputUsdPerMillion: null,
    ...fields,
  };
}

async function serve(options: Omit<ModelServerOptions, 'port'>): Promise<ModelServer> {
  const server = await startModelServer(options);
  closers.push(() => server.close());
  return server;
}

/** One call with no waiting between retries; `waits` collects how long it would have slept. */
async function ask(
  server: { url: string },
  options: {
    spec?: Partial<ModelSpec>;
    request?: Partial<ModelRequest>;
    capabilities?: Capabilities;
    waits?: number[];
  } = {},
): Promise<ModelAnswer> {
  const deps: ModelDeps = {
    capabilities: options.capabilities ?? {},
    jitter: () => 0.5,
    sleep: (ms) => {
      options.waits?.push(ms);
      return Promise.resolve();
    },
  };
  const request = { messages: [{ role: 'user' as const, content: PROMPT }], schema: SCHEMA, ...options.request };
  return callModel(spec(server.url, options.spec), request, deps);
}

/** A server that says these bytes to whoever connects and then does `after`. */
async function serveBytes(bytes: string, after: 'close' | 'reset' | 'stay'): Promise<{ url: string; server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(bytes, () => {
        if (after === 'close') socket.end();
        if (after === 'reset') socket.resetAndDestroy();
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.close();
    await Promise.resolve();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, server };
}

test('a well-behaved server: streamed text, usage, first token and mode are recorded', async () => {
  const server = await serve({ behaviour: 'well-behaved' });
  const tokens: string[] = [];
  const answer = await ask(server, { request: { onToken: (text) => tokens.push(text) } });
  expect(answer).toMatchObject({ ok: true, mode: 'json_schema', finishReason: 'stop', reasoning: '' });
  if (!answer.ok) throw new Error(answer.detail);
  expect(JSON.parse(answer.text)).toMatchObject({ knob: 'lr' });
  expect(tokens.join('')).toBe(answer.text);
  expect(tokens.length).toBeGreaterThan(3);
  expect(answer.promptTokens).toBeGreaterThan(10);
  expect(answer.firstTokenMs).toBeLessThanOrEqual(answer.latencyMs);
  expect(answer.attempts).toHaveLength(1);
  expect(server.calls[0]?.body).toMatchObject({
    model: 'test-model',
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: 256,
    temperature: 0.5,
    response_format: { type: 'json_schema', json_schema: { schema: SCHEMA, strict: true } },
  });
});

test('the key goes where it was meant to go, and no header of ours tells on the client', async () => {
  const server = await serve({ behaviour: 'well-behaved' });
  await ask(server, { request: { apiKey: 'sk-secret' } });
  await ask(server);
  expect(server.calls[0]?.headers.authorization).toBe('Bearer sk-secret');
  expect(server.calls[1]?.headers.authorization).toBeUndefined();
  expect(Object.keys(server.calls[0]?.headers ?? {}).filter((name) => name.startsWith('x-stainless'))).toEqual([]);
});

test('a reasoning field is kept apart from the answer', async () => {
  const answer = await ask(await serve({ behaviour: 'reasoning' }));
  expect(answer).toMatchObject({
    ok: true,
    reasoning: expect.stringContaining('rows'),
    text: expect.stringMatching(/^\{/),
  });
});

test('a server that does not stream is read whole', async () => {
  const answer = await ask(await serve({ behaviour: 'no-stream' }));
  expect(answer).toMatchObject({ ok: true, text: expect.stringContaining('"knob"'), finishReason: 'stop' });
  expect(answer.ok && answer.completionTokens).toBeGreaterThan(0);
});

test('a server without structured output is found out once and remembered', async () => {
  const server = await serve({ behaviour: 'no-json-schema' });
  const capabilities: Capabilities = {};
  const first = await ask(server, { capabilities });
  expect(first).toMatchObject({ ok: true, mode: 'plain' });
  expect(first.attempts.map((a) => a.status)).toEqual([400, 400, 400, undefined]);
  expect(capabilities[capabilityKey(spec(server.url))]).toMatchObject({ mode: 'plain' });
  const second = await ask(server, { capabilities });
  expect(second.attempts).toHaveLength(1);
});

test('a server that knows guided_json only is asked that way', async () => {
  const server = await serve({ behaviour: 'guided-only' });
  expect(await ask(server)).toMatchObject({ ok: true, mode: 'guided_json' });
  expect(server.calls.at(-1)?.body['guided_json']).toEqual(SCHEMA);
});

test('a server that wants max_completion_tokens gets it and keeps its schema', async () => {
  const server = await serve({ behaviour: 'completion-tokens' });
  const capabilities: Capabilities = {};
  expect(await ask(server, { capabilities })).toMatchObject({
    ok: true,
    mode: 'json_schema',
    attempts: [{ status: 400 }, {}],
  });
  expect(server.calls.at(-1)?.body).toMatchObject({ max_completion_tokens: 256 });
  expect((await ask(server, { capabilities })).attempts).toHaveLength(1);
});

test('429 is retried twice with Retry-After honoured, then reported', async () => {
  const server = await serve({ behaviour: 'status429', retryAfterSeconds: 2 });
  const waits: number[] = [];
  expect(await ask(server, { waits })).toMatchObject({ ok: false, error: 'rate_limited', retryAfterMs: 2000 });
  expect(waits).toEqual([2000, 2000]);
  expect(server.calls).toHaveLength(3);
});

test('a Retry-After beyond the deadline is not waited for but passed on', async () => {
  const server = await serve({ behaviour: 'status429', retryAfterSeconds: 600 });
  const waits: number[] = [];
  expect(await ask(server, { waits })).toMatchObject({ ok: false, error: 'rate_limited', retryAfterMs: 600_000 });
  expect(waits).toEqual([]);
  expect(server.calls).toHaveLength(1);
});

test('a 500 that goes away costs a retry and nothing else', async () => {
  const server = await serve({ behaviour: 'status500', failures: 2 });
  const waits: number[] = [];
  const answer = await ask(server, { waits });
  expect(answer).toMatchObject({ ok: true, attempts: [{ status: 500 }, { status: 500 }, {}] });
  expect(waits).toEqual([375, 750]);
});

test('a 500 that stays is a server error after three requests', async () => {
  const server = await serve({ behaviour: 'status500' });
  expect(await ask(server)).toMatchObject({
    ok: false,
    error: 'server_error',
    detail: expect.stringContaining('the engine died'),
  });
  expect(server.calls).toHaveLength(3);
});

test('a wrong key is refused at once and never repeated in the detail', async () => {
  const server = await serve({ behaviour: 'status401' });
  const answer = await ask(server, { request: { apiKey: 'is' } });
  expect(answer).toMatchObject({ ok: false, error: 'refused', attempts: [{ status: 401 }] });
  expect(answer.ok ? '' : answer.detail).toContain('[key]');
});

test('a wrong path is refused with the status', async () => {
  const server = await serve({ behaviour: 'well-behaved' });
  const answer = await ask({ url: server.url.replace('/v1', '/v2') });
  expect(answer).toMatchObject({ ok: false, error: 'refused', attempts: [{ status: 404 }] });
});

test('a server that accepts and never answers ends at the deadline, and its socket is let go', async () => {
  const server = await serve({ behaviour: 'never' });
  const answer = await ask(server, { spec: { timeoutMs: 150 } });
  expect(answer).toMatchObject({ ok: false, error: 'timeout' });
  expect(answer.latencyMs).toBeLessThan(2000);
  await expect.poll(() => server.calls[0]?.isAbandoned).toBe(true);
});

test('a server that drips a byte at a time ends at the same deadline', async () => {
  const server = await serve({ behaviour: 'drip', dripMs: 1 });
  const answer = await ask(server, { spec: { timeoutMs: 700 } });
  expect(answer).toMatchObject({ ok: false, error: 'timeout' });
  expect(answer.latencyMs).toBeLessThan(2500);
  await expect.poll(() => server.calls[0]?.isAbandoned).toBe(true);
});

test("the caller's own limit is kept when it is shorter than the spec's", async () => {
  const answer = await ask(await serve({ behaviour: 'never' }), { request: { timeoutMs: 100 } });
  expect(answer).toMatchObject({ ok: false, error: 'timeout' });
});

test('the deadline also ends a wait between retries', async () => {
  const server = await serve({ behaviour: 'status500' });
  const answer = await callModel(
    spec(server.url, { timeoutMs: 900 }),
    { messages: [], schema: null },
    { capabilities: {}, jitter: () => 1 },
  );
  expect(answer.ok).toBe(false);
  expect(answer.latencyMs).toBeLessThan(1500);
});

test('a caller that gives up gets its answer at once', async () => {
  const server = await serve({ behaviour: 'never' });
  const controller = new AbortController();
  const asked = ask(server, { request: { signal: controller.signal } });
  await expect.poll(() => server.calls.length).toBe(1);
  controller.abort();
  expect(await asked).toMatchObject({ ok: false, error: 'aborted' });
  expect(await ask(server, { request: { signal: AbortSignal.abort() } })).toMatchObject({
    ok: false,
    error: 'aborted',
  });
});

test('empty content is a bad answer, after one try without the schema', async () => {
  const server = await serve({ behaviour: 'empty' });
  expect(await ask(server)).toMatchObject({ ok: false, error: 'bad_answer' });
  expect(server.calls.map((call) => 'response_format' in call.body)).toEqual([true, false]);
});

test('a server whose schema and thinking do not mix answers without the schema, and that is remembered', async () => {
  const server = await serve({ behaviour: 'empty-with-schema' });
  const capabilities: Capabilities = {};
  expect(await ask(server, { capabilities })).toMatchObject({
    ok: true,
    mode: 'plain',
    attempts: [{ error: 'bad_answer' }, {}],
  });
  expect((await ask(server, { capabilities })).attempts).toHaveLength(1);
});

test('a truncated answer comes back with its finish reason', async () => {
  expect(await ask(await serve({ behaviour: 'truncated' }))).toMatchObject({ ok: true, finishReason: 'length' });
});

test('a connection cut in mid-stream is retried, then unreachable, with the last piece kept', async () => {
  const server = await serve({ behaviour: 'cut' });
  const answer = await ask(server);
  expect(answer).toMatchObject({
    ok: false,
    error: 'unreachable',
    partial: { text: expect.stringContaining('{"knob') },
  });
  expect(server.calls).toHaveLength(3);
  expect(await ask(await serve({ behaviour: 'cut', failures: 1 }))).toMatchObject({ ok: true });
});

test('a stream that ends in peace before the answer does is a bad answer', async () => {
  const chunk = `data: ${JSON.stringify({ choices: [{ delta: { content: '{"knob": "l' }, finish_reason: null }] })}\n\n`;
  const { url } = await serveBytes(
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${chunk}`,
    'close',
  );
  expect(await ask({ url })).toMatchObject({ ok: false, error: 'bad_answer', partial: { text: '{"knob": "l' } });
});

test('a server that never says how it finished is believed when its answer is whole', async () => {
  const chunk = `data: ${JSON.stringify({ choices: [{ delta: { content: '{"knob": "lr"}' } }] })}\n\ndata: [DONE]\n\n`;
  const { url } = await serveBytes(
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${chunk}`,
    'close',
  );
  expect(await ask({ url })).toMatchObject({
    ok: true,
    finishReason: null,
    promptTokens: null,
    completionTokens: null,
  });
});

test('a server that floods is cut off', async () => {
  const server = await serve({ behaviour: 'flood' });
  expect(await ask(server, { spec: { timeoutMs: 20_000 } })).toMatchObject({
    ok: false,
    error: 'bad_answer',
    detail: expect.stringContaining('bytes'),
  });
  await expect.poll(() => server.calls[0]?.isAbandoned).toBe(true);
});

test('a sign-in page is no completion', async () => {
  expect(await ask(await serve({ behaviour: 'html' }))).toMatchObject({
    ok: false,
    error: 'bad_answer',
    detail: expect.stringContaining('text/html'),
  });
});

test('nobody listening is unreachable, and says so', async () => {
  const server = await startModelServer({ behaviour: 'empty' });
  await server.close();
  expect(await ask(server)).toMatchObject({
    ok: false,
    error: 'unreachable',
    detail: expect.stringContaining('ECONNREFUSED'),
  });
});

test('an error object in mid-stream is a server error', async () => {
  const chunk = `data: ${JSON.stringify({ error: { message: 'out of memory in the engine' } })}\n\n`;
  const { url } = await serveBytes(
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n${chunk}`,
    'close',
  );
  expect(await ask({ url })).toMatchObject({
    ok: false,
    error: 'server_error',
    detail: expect.stringContaining('out of memory'),
  });
});

test.each([
  ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n', 'close', 'unreachable'],
  ['a reset', 'HTTP/1.1 200', 'reset', 'unreachable'],
  ['a status that is none', 'HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n', 'close', 'unreachable'],
  ['no content', 'HTTP/1.1 204 None\r\n\r\n', 'close', 'bad_answer'],
  ['a redirect', 'HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:9/v1\r\ncontent-length: 0\r\n\r\n', 'close', 'refused'],
  [
    'broken JSON in the stream',
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {"a":\n\n',
    'close',
    'bad_answer',
  ],
  [
    'broken JSON as a whole',
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n{"a',
    'close',
    'bad_answer',
  ],
  [
    'JSON of another kind',
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\n[[1]',
    'close',
    'bad_answer',
  ],
  ['null', 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nnull', 'close', 'bad_answer'],
  [
    'choices of nonsense',
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {"choices":[null,7],"usage":{"prompt_tokens":"9"}}\n\ndata: 5\n\n',
    'close',
    'bad_answer',
  ],
] as const)('a server that says %s is a value, never a crash', async (_title, bytes, after, error) => {
  const { url } = await serveBytes(bytes, after);
  expect(await ask({ url })).toMatchObject({ ok: false, error });
});

test('usage that is not a number is unknown, not 0', async () => {
  const chunk = JSON.stringify({
    choices: [{ message: { content: '{}' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: null, completion_tokens: -1 },
  });
  const { url } = await serveBytes(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${chunk.length}\r\n\r\n${chunk}`,
    'close',
  );
  expect(await ask({ url })).toMatchObject({ ok: true, promptTokens: null, completionTokens: null });
});

test('a prompt that is too long for the model is refused without trying other forms', async () => {
  const body = JSON.stringify({
    error: { message: 'too long', code: 'context_length_exceeded', type: 'invalid_request_error' },
  });
  const { url } = await serveBytes(
    `HTTP/1.1 400 Bad\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    'close',
  );
  expect(await ask({ url })).toMatchObject({ ok: false, error: 'refused', attempts: [{ status: 400 }] });
});

test('a server that refuses every form is refused after a bounded number of requests', async () => {
  const body = JSON.stringify({ error: 'no' });
  const { url } = await serveBytes(
    `HTTP/1.1 422 No\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    'close',
  );
  const capabilities: Capabilities = {};
  const answer = await ask({ url }, { capabilities });
  expect(answer).toMatchObject({ ok: false, error: 'refused' });
  expect(answer.attempts.length).toBeLessThanOrEqual(10);
  expect(capabilities).toEqual({});
});
