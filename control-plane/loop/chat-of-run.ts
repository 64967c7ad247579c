import { listIterations, listModelCallsOfRun, type ModelCallRow, type Queryable, type RunRow } from '@nightshift/db';
import type { ChatCall, ChatMessage } from '../trajectory/chat.js';

/** The model call behind each ended iteration of a run: the one that was taken, or the last one that was refused. */
export async function loadChatCalls(q: Queryable, run: RunRow): Promise<ChatCall[]> {
  const calls = new Map<string, ModelCallRow>();
  for (const call of await listModelCallsOfRun(q, run.id)) {
    if (call.iterationId === null || call.answer === null || call.purpose !== 'propose') continue;
    const known = calls.get(call.iterationId);
    if (known?.outcome !== 'accepted') calls.set(call.iterationId, call);
  }
  const ended = new Set(['kept', 'reverted', 'inconclusive', 'failed', 'blocked', 'screened_out']);
  return (await listIterations(q, run.id)).flatMap((iteration): ChatCall[] => {
    const call = calls.get(iteration.id);
    // A proposal of somebody else is not what the model answered.
    if (!call || !ended.has(iteration.state) || iteration.proposer !== 'model') return [];
    return [
      {
        iteration: iteration.number,
        messages: call.messages as ChatMessage[],
        answer: call.answer as string,
        outcome: iteration.state as ChatCall['outcome'],
        proposal: iteration.proposal,
        metric: iteration.metric,
      },
    ];
  });
}
