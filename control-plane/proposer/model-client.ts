import { setTimeout as delay } from 'node:timers/promises';
import type { ModelSpec } from '@nightshift/protocol';
import {
  capabilityKey,
  FULL_CAPABILITY,
  nextCapability,
  type AnswerMode,
  type Capabilities,
  type Capability,
} from './capability.js';
import { attemptCompletion, type AttemptResult, type Completion } from './model-attempt.js';
import { unwrapAnswer } from './parse-answer.js';
import type { Message } from './prompt.js';

/** Retries of a 429, a 5xx or a lost connection. More would only spend the deadline: the breaker takes over. */
const MAX_RETRIES = 2;
/** A server that asks for a longer pause is left alone for this turn; the pause is handed to the breaker. */
const MAX_RETRY_AFTER_MS = 30_000;
const BACKOFF_MS = 500;
/** Requests that only find out which form a server takes. Refusals cost no generation, but an end is needed. */
const MAX_REJECTIONS = 10;

export type ModelError =
  'timeout' | 'rate_limited' | 'server_error' | 'unreachable' | 'refused' | 'bad_answer' | 'aborted';
export interface ModelAttempt {
  error?: string;
  status?: number;
  latencyMs: number;
}
export type ModelAnswer =
  | {
      ok: true;
      /** The content as it came, wrappers included. */
      text: string;
      /** What the server put in a reasoning field of its own. */
      reasoning: string;
      latencyMs: number;
      firstTokenMs: number | null;
      /** Null when the server did not say: never 0 for unknown. */
      promptTokens: number | null;
      completionTokens: number | null;
      finishReason: string | null;
      mode: AnswerMode;
      attempts: ModelAttempt[];
    }
  | {
      ok: false;
      error: ModelError;
      detail: string;
      retryAfterMs: number | null;
      attempts: ModelAttempt[];
      latencyMs: number;
      /** What had arrived when it failed; its tokens may have to be paid all the same. */
      partial: Completion | null;
    };

export interface ModelRequest {
  messages: readonly Message[];
  /** JSON Schema of the answer; null asks for no form. */
  schema: Record<string, unknown> | null;
  apiKey?: string | null;
  /** Milliseconds for this call, when less than the spec's is left. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  onToken?: ((text: string) => void) | undefined;
}
export interface ModelDeps {
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
  /** In [0, 1): spreads the retries of many runs on one server. */
  jitter?: () => number;
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** What servers were found to take; shared between calls, changed in place. */
  capabilities?: Capabilities;
}

const sharedCapabilities: Capabilities = {};

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // An abort wakes the sleeper early; the loop then sees the signal.
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/**
 * One answer from an OpenAI-compatible chat endpoint, streamed, under one hard deadline that covers every retry and
 * every renegotiation of the request's form. Never rejects: every way to fail is a value.
 */
export async function callModel(spec: ModelSpec, request: ModelRequest, deps: ModelDeps = {}): Promise<ModelAnswer> {
  const now = deps.now ?? (() => performance.now());
  const sleep = deps.sleep ?? pause;
  const jitter = deps.jitter ?? Math.random;
  const known = deps.capabilities ?? sharedCapabilities;
  const key = capabilityKey(spec);
  const startedAt = now();
  const timeoutMs = Math.max(0, Math.min(spec.timeoutMs, request.timeoutMs ?? Infinity, 2_000_000_000));
  const controller = new AbortController();
  let ended: 'timeout' | 'aborted' | null = null;
  const end = (why: 'timeout' | 'aborted') => {
    ended ??= why;
    controller.abort();
  };
  const cancel = () => end('aborted');
  const timer = setTimeout(() => end('timeout'), timeoutMs);
  request.signal?.addEventListener('abort', cancel, { once: true });
  if (request.signal?.aborted) cancel();

  const attempts: ModelAttempt[] = [];
  let partial: Completion | null = null;
  const fail = (error: ModelError, detail: string, retryAfterMs: number | null = null): ModelAnswer => ({
    ok: false,
    error,
    detail,
    retryAfterMs,
    attempts,
    latencyMs: now() - startedAt,
    partial,
  });
  const tried: Capability[] = [known[key] ?? FULL_CAPABILITY];
  let retries = 0;
  try {
    for (;;) {
      const stopped = ended as 'timeout' | 'aborted' | null;
      if (stopped === 'aborted') return fail('aborted', 'the call was cancelled');
      if (stopped === 'timeout') return fail('timeout', `no whole answer within ${Math.round(timeoutMs)} ms`);
      const capability = tried.at(-1) as Capability;
      const attemptAt = now();
      const { result, completion } = await attemptCompletion({
        spec,
        apiKey: request.apiKey ?? null,
        messages: request.messages,
        schema: request.schema,
        capability,
        timeoutMs,
        signal: controller.signal,
        now,
        onToken: request.onToken,
      });
      const attempt: ModelAttempt = { latencyMs: now() - attemptAt };
      attempts.push(attempt);
      if (completion.text !== '' || completion.reasoning !== '' || completion.completionTokens !== null)
        partial = completion;
      if (ended !== null) {
        attempt.error = ended;
        continue;
      }
      note(attempt, result);
      if (result.kind === 'answered') {
        const problem = completionProblem(completion, request.schema !== null);
        if (problem === null) {
          if (tried.length > 1) known[key] = capability;
          return {
            ok: true,
            ...answerOf(completion),
            latencyMs: now() - startedAt,
            mode: request.schema ? capability.mode : 'plain',
            attempts,
          };
        }
        attempt.error = 'bad_answer';
        // Some servers answer nothing when a schema meets a thinking model: the same without a schema may go well.
        if (problem.isEmptyStop && request.schema !== null && capability.mode !== 'plain') {
          tried.push({ ...capability, mode: 'plain' });
          continue;
        }
        return fail('bad_answer', problem.detail);
      }
      if (result.kind === 'rejected') {
        const next = result.isTooLong || tried.length > MAX_REJECTIONS ? null : nextCapability(tried, result.param);
        if (next === null) return fail('refused', result.detail);
        tried.push(next);
        continue;
      }
      const wait = result.retryAfterMs ?? BACKOFF_MS * 2 ** retries * (0.5 + jitter() / 2);
      const isWorthIt = wait <= MAX_RETRY_AFTER_MS && now() - startedAt + wait < timeoutMs;
      if (!result.mayRetry || retries >= MAX_RETRIES || !isWorthIt)
        return fail(result.error, result.detail, result.retryAfterMs);
      retries++;
      await sleep(wait, controller.signal);
    }
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', cancel);
  }
}

function note(attempt: ModelAttempt, result: AttemptResult): void {
  if (result.kind === 'answered') return;
  attempt.error = result.kind === 'rejected' ? 'rejected' : result.error;
  if (result.status !== null) attempt.status = result.status;
}

function answerOf({ text, reasoning, finishReason, promptTokens, completionTokens, firstTokenMs }: Completion) {
  return { text, reasoning, finishReason, promptTokens, completionTokens, firstTokenMs };
}

/** Why a completed stream is no answer; null when there is text to look at. */
function completionProblem(completion: Completion, isJson: boolean): { detail: string; isEmptyStop: boolean } | null {
  const { text, reasoning, refusal, finishReason } = completion;
  if (finishReason === 'content_filter')
    return { detail: "the server's content filter cut the answer", isEmptyStop: false };
  // A server that never says how it finished is believed when what it sent is whole; of a patch the gate judges that.
  if (finishReason === null && isJson && !isWhole(text))
    return { detail: 'the stream ended before the answer did', isEmptyStop: false };
  if (text.trim() !== '') return null;
  if (refusal !== '') return { detail: `the model declined: ${refusal.slice(0, 300)}`, isEmptyStop: false };
  const what = reasoning === '' ? 'nothing' : `${reasoning.length} characters of reasoning and no answer`;
  const why = finishReason === 'length' ? ': maxTokens is too small for it' : '';
  return { detail: `the model sent ${what} (finish: ${finishReason})${why}`, isEmptyStop: finishReason === 'stop' };
}

function isWhole(text: string): boolean {
  const inner = unwrapAnswer(text);
  if (!inner.ok) return false;
  try {
    JSON.parse(inner.text);
    return true;
  } catch {
    return false;
  }
}
