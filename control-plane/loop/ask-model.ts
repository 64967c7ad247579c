import type { z } from 'zod';
import type { ModelSpec } from '@nightshift/protocol';
import { callModel, callRecord, unwrapAnswer, type Message } from '../proposer/index.js';
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
  const call = callRecord(spec, messages, answer);
  const { runId, iterationId, purpose } = of;
  await keepCall(
    deps.db,
    { runId, iterationId, purpose },
    answer.ok && read === null ? { ...call, outcome: 'unreadable' } : call,
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
