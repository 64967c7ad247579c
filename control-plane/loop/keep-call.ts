import { storableText } from '@nightshift/protocol';
import { insertModelCall, type Db } from '@nightshift/db';
import type { ModelCall } from '../proposer/index.js';

/** Stores one model call, complete: the exact messages and the exact answer. */
export async function keepCall(
  db: Db,
  of: { runId: string; iterationId: string | null; purpose: 'propose' | 'critic' | 'reflect' | 'repair' },
  call: ModelCall,
): Promise<void> {
  const isFailure = call.outcome !== 'accepted' && call.outcome !== 'blocked' && call.outcome !== 'unreadable';
  await insertModelCall(db, {
    ...of,
    model: call.model,
    mode: call.mode,
    messages: call.messages,
    answer: call.answer === null ? null : storableText(call.answer),
    reasoning: call.reasoning === null ? null : storableText(call.reasoning),
    error: isFailure ? call.outcome : null,
    detail: call.detail,
    outcome: call.rail === null ? call.outcome : `blocked:${call.rail}`,
    latencyMs: call.latencyMs,
    firstTokenMs: call.firstTokenMs,
    promptTokens: call.promptTokens,
    completionTokens: call.completionTokens,
    costUsd: call.costUsd,
  });
}
