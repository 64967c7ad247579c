import OpenAI, { APIError } from 'openai';
import type { ChatCompletionChunk, ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import type { ModelSpec } from '@nightshift/protocol';
import { capabilityFields, type Capability } from './capability.js';
import { AnswerTooLarge, createHttpFetch } from './http-fetch.js';
import type { Message } from './prompt.js';
import { answerTokens } from './tokens.js';

/**
 * A streamed token comes in some 300 bytes of JSON. A server that sends far more than was asked of it ignores its
 * limits, and reading on would only fill memory.
 */
function maxBytes(tokens: number): number {
  return 262_144 + tokens * 1024;
}

export interface Completion {
  text: string;
  reasoning: string;
  refusal: string;
  finishReason: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  firstTokenMs: number | null;
}
/** How one request went. `rejected` is a 400 or 422: the request's form may be what was wrong. */
export type AttemptResult =
  | { kind: 'answered' }
  | { kind: 'rejected'; status: number; param: string | null; isTooLong: boolean; detail: string }
  | {
      kind: 'failed';
      error: 'rate_limited' | 'server_error' | 'unreachable' | 'refused' | 'bad_answer';
      status: number | null;
      mayRetry: boolean;
      retryAfterMs: number | null;
      detail: string;
    };

export interface AttemptRequest {
  spec: ModelSpec;
  apiKey: string | null;
  messages: readonly Message[];
  schema: Record<string, unknown> | null;
  capability: Capability;
  timeoutMs: number;
  signal: AbortSignal;
  now: () => number;
  onToken?: ((text: string) => void) | undefined;
}

/** Sends one chat completion and reads its stream to the end. Never rejects; the caller knows whether it aborted. */
export async function attemptCompletion(
  request: AttemptRequest,
): Promise<{ result: AttemptResult; completion: Completion }> {
  const completion = emptyCompletion();
  const result = await exchange(request, completion).catch((error: unknown) => fromError(error, request));
  return { result, completion };
}

/** Fills `completion` as the stream comes, so that what had arrived is there when the rest does not. */
async function exchange(request: AttemptRequest, completion: Completion): Promise<AttemptResult> {
  const { spec, signal } = request;
  const startedAt = request.now();
  // Everything that the SDK would otherwise read from the environment is given here.
  const client = new OpenAI({
    apiKey: request.apiKey ?? 'none',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    baseURL: spec.baseUrl,
    logLevel: 'off',
    maxRetries: 0,
    timeout: Math.min(2_000_000_000, Math.ceil(request.timeoutMs) + 1000),
    fetch: createHttpFetch({ maxBytes: maxBytes(answerTokens(spec)), withKey: request.apiKey !== null }),
  });
  const body = {
    model: spec.name,
    messages: request.messages.map(({ role, content }) => ({ role, content })),
    stream: true,
    ...capabilityFields(request.capability, {
      schema: request.schema,
      maxTokens: answerTokens(spec),
      temperature: spec.temperature,
    }),
  } as ChatCompletionCreateParamsStreaming;
  const { data, response } = await client.chat.completions.create(body, { signal }).withResponse();
  const type = response.headers.get('content-type') ?? '';
  const take = (chunk: unknown) => {
    const piece = readChunk(completion, chunk);
    if (piece === '') return;
    completion.firstTokenMs ??= request.now() - startedAt;
    request.onToken?.(piece);
  };
  if (/^text\/event-stream\b/i.test(type))
    for await (const chunk of data as AsyncIterable<ChatCompletionChunk>) take(chunk);
  else if (/\bjson\b/i.test(type)) take(await response.json());
  else {
    await response.body?.cancel();
    const detail = `${response.status} with ${type || 'no content type'}: this is no chat completion; does baseUrl end in /v1?`;
    return failed('bad_answer', false, detail);
  }
  return { kind: 'answered' };
}

function emptyCompletion(): Completion {
  return {
    text: '',
    reasoning: '',
    refusal: '',
    finishReason: null,
    promptTokens: null,
    completionTokens: null,
    firstTokenMs: null,
  };
}

/** Adds a chunk of a stream, or a whole completion of a server that does not stream; the text it brought. */
function readChunk(completion: Completion, chunk: unknown): string {
  const { choices, usage } = asObject(chunk);
  const choice = asObject(Array.isArray(choices) ? choices[0] : null);
  const delta = asObject(choice['delta'] ?? choice['message']);
  const text = asText(delta['content']);
  completion.text += text;
  // The field was renamed once, and there are servers that fill in both.
  const reasoning = asText(delta['reasoning']) || asText(delta['reasoning_content']);
  completion.reasoning += reasoning;
  completion.refusal += asText(delta['refusal']);
  if (typeof choice['finish_reason'] === 'string') completion.finishReason = choice['finish_reason'];
  completion.promptTokens = asCount(asObject(usage)['prompt_tokens']) ?? completion.promptTokens;
  completion.completionTokens = asCount(asObject(usage)['completion_tokens']) ?? completion.completionTokens;
  return text || reasoning;
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
function asCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function fromError(error: unknown, request: AttemptRequest): AttemptResult {
  const detail = describe(error, request);
  if (error instanceof AnswerTooLarge) return failed('bad_answer', false, `the server sent ${error.message}`);
  if (error instanceof SyntaxError) return failed('bad_answer', false, `the server sent broken JSON: ${detail}`);
  if (error instanceof APIError && typeof error.status === 'number') return fromStatus(error, error.status, detail);
  // An error object in mid-stream carries no status: the server gave up on a request that it had accepted.
  if (error instanceof APIError && error.error !== undefined) return failed('server_error', true, detail);
  return failed('unreachable', true, detail);
}

function fromStatus(error: APIError, status: number, detail: string): AttemptResult {
  const { code, type, param } = error as { code?: unknown; type?: unknown; param?: unknown };
  const retryAfterMs = readRetryAfter(error.headers);
  if (status === 400 || status === 422) {
    const isTooLong = [code, type].some(
      (word) => word === 'context_length_exceeded' || word === 'exceed_context_size_error',
    );
    return {
      kind: 'rejected',
      status,
      param: typeof param === 'string' && param !== '' ? param : null,
      isTooLong,
      detail,
    };
  }
  if (status === 429) {
    if (code === 'insufficient_quota') return { ...failed('refused', false, detail), status };
    return { ...failed('rate_limited', true, detail), status, retryAfterMs };
  }
  if (status >= 500 || status === 408 || status === 409)
    return { ...failed('server_error', status !== 501, detail), status, retryAfterMs };
  const location = error.headers?.get('location');
  const hint = location ? ` (it points to ${location.slice(0, 200)}: redirects are not followed)` : '';
  return { ...failed('refused', false, detail + hint), status };
}

type Failed = Extract<AttemptResult, { kind: 'failed' }>;
function failed(error: Failed['error'], mayRetry: boolean, detail: string): Failed {
  return { kind: 'failed', error, status: null, mayRetry, retryAfterMs: null, detail };
}

/** Milliseconds to wait, from `retry-after-ms` or `Retry-After` (seconds or an HTTP date); null when there is none. */
function readRetryAfter(headers: Headers | undefined): number | null {
  const exact = Number(headers?.get('retry-after-ms') ?? NaN);
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const text = headers?.get('retry-after')?.trim();
  if (!text) return null;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/** The error in one bounded line, without the key: servers like to repeat it. */
function describe(error: unknown, request: AttemptRequest): string {
  const parts: string[] = [];
  for (let e: unknown = error, depth = 0; e instanceof Error && depth < 4; e = e.cause, depth++) {
    const code = (e as { code?: unknown }).code;
    const text = e.message || (typeof code === 'string' ? code : e.name);
    if (!parts.includes(text)) parts.push(text);
  }
  const line = parts.join(': ') || 'unknown error';
  const safe = request.apiKey ? line.replaceAll(request.apiKey, '[key]') : line;
  return safe.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 500);
}
