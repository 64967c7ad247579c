import type { ModelSpec } from '@nightshift/protocol';
import type { AnswerMode } from './capability.js';
import type { ModelAnswer, ModelAttempt, ModelError } from './model-client.js';
import type { Message } from './prompt.js';

/** One model call, complete: what was sent, what came back, what it cost and what became of it. */
export interface ModelCall {
  model: string;
  messages: Message[];
  /** The content as it came, wrappers included; null when there was none. */
  answer: string | null;
  reasoning: string | null;
  outcome: 'accepted' | 'blocked' | 'unreadable' | ModelError;
  /** The rail that blocked; null otherwise. */
  rail: string | null;
  detail: string | null;
  latencyMs: number;
  firstTokenMs: number | null;
  promptTokens: number | null;
  completionTokens: number | null;
  /** At the prices of the model that was called; null when they or the counts are not known. */
  costUsd: number | null;
  finishReason: string | null;
  mode: AnswerMode | null;
  attempts: ModelAttempt[];
}

/** The record of a call. An answer that came is `accepted` until whoever asked has read it and says otherwise. Pure. */
export function callRecord(spec: ModelSpec, messages: Message[], answer: ModelAnswer): ModelCall {
  // What had arrived of an answer that failed may have to be paid all the same.
  const came = answer.ok ? answer : answer.partial;
  return {
    model: spec.name,
    messages,
    answer: came?.text || null,
    reasoning: came?.reasoning || null,
    outcome: answer.ok ? 'accepted' : answer.error,
    rail: null,
    detail: answer.ok ? null : answer.detail,
    latencyMs: answer.latencyMs,
    firstTokenMs: came?.firstTokenMs ?? null,
    promptTokens: came?.promptTokens ?? null,
    completionTokens: came?.completionTokens ?? null,
    costUsd: came ? callCost(spec, came.promptTokens, came.completionTokens) : null,
    finishReason: came?.finishReason ?? null,
    mode: answer.ok ? answer.mode : null,
    attempts: answer.attempts,
  };
}

/**
 * US dollars for one call at the spec's prices. A price left out beside a stated one is 0; null when neither is stated, and when a
 * count that has a price is not known.
 */
export function callCost(
  spec: Pick<ModelSpec, 'inputUsdPerMillion' | 'outputUsdPerMillion'>,
  promptTokens: number | null,
  completionTokens: number | null,
): number | null {
  const sides = [
    { price: spec.inputUsdPerMillion, tokens: promptTokens },
    { price: spec.outputUsdPerMillion, tokens: completionTokens },
  ].filter((side) => side.price !== null);
  if (sides.length === 0 || sides.some((side) => side.tokens === null)) return null;
  return sides.reduce((sum, { price, tokens }) => sum + (price ?? 0) * (tokens ?? 0), 0) / 1e6;
}
