import type { z } from 'zod';
import type { ModelSpec } from '@nightshift/protocol';
import { callModel, unwrapAnswer, type Message } from '../proposer/index.js';
import type { LoopDeps } from './deps.js';
import { keepCall } from './keep-call.js';

/**
 * Asks a model for one JSON object of a given form and stores the call, whatever came of it. Null when it did not answer, or not in
 * that form.
 */
export async function askModel<T>(
  deps: LoopDeps,
  spec: ModelSpec,
  of: { runId: string; iterationId: string | null; purpose: 'critic' | 'reflect'; signal: AbortSignal },
  question: { messages: Message[]; jsonSchema: Record<string, unknown>; form: z.ZodType<T> },
): Promise<T | null> {
  const { messages, jsonSchema, form } = question;
  const apiKey = spec.apiKeyEnv === null ? null : (deps.apiKey(spec.apiKeyEnv) ?? null);
  const answer = await callModel(spec, { messages, schema: jsonSchema, apiKey, signal: of.signal });
  const read = answer.ok ? readAnswer(answer.text, answer.reasoning ?? '', form) : null;
  const { runId, iterationId, purpose } = of;
  await keepCall(
    deps.db,
    { runId, iterationId, purpose },
    {
      model: spec.name,
      messages,
      answer: answer.ok ? answer.text : null,
      reasoning: answer.ok ? (answer.reasoning ?? null) : null,
      outcome: answer.ok ? (read === null ? 'unreadable' : 'accepted') : answer.error,
      rail: null,
      detail: answer.ok ? null : answer.detail,
      latencyMs: answer.latencyMs,
      firstTokenMs: answer.ok ? answer.firstTokenMs : null,
      promptTokens: answer.ok ? answer.promptTokens : null,
      completionTokens: answer.ok ? answer.completionTokens : null,
      mode: answer.ok ? answer.mode : null,
    },
  );
  return read;
}

function readAnswer<T>(text: string, reasoning: string, form: z.ZodType<T>): T | null {
  const unwrapped = unwrapAnswer(text, reasoning);
  if (!unwrapped.ok) return null;
  try {
    const parsed = form.safeParse(JSON.parse(unwrapped.text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
