import { exportChat, writeChat, type ChatCall, type ChatMessage } from '@nightshift/control-plane/trajectory/index';
import { dataOf, type Api, type Iteration, type Run } from './client.js';
import { listIterations } from './follow-run.js';

const OUTCOMES = new Set<string>([
  'kept',
  'reverted',
  'inconclusive',
  'blocked',
  'failed',
] satisfies ChatCall['outcome'][]);

/** The iterations of a run that a model proposed, as fine-tuning records with both splits. */
export async function chatExport(api: Api, run: Run): Promise<{ text: string; warnings: string[] }> {
  const calls: ChatCall[] = [];
  for (const iteration of await listIterations(api, run.id)) {
    if (iteration.proposer !== 'model' || !OUTCOMES.has(iteration.state)) continue;
    const call = await lastCall(api, run.id, iteration);
    if (call) calls.push(call);
  }
  const menu = run.spec.menu as { knobs?: object } | null;
  const { records, warnings } = exportChat(calls, {
    menuKnobs: menu?.knobs ? Object.keys(menu.knobs).length : undefined,
  });
  return {
    text: writeChat(records),
    warnings: calls.length === 0 ? ['no iteration of this run was proposed by a model: the file is empty'] : warnings,
  };
}

// The call whose answer was taken is the last one; of a blocked iteration it is the last try.
async function lastCall(api: Api, id: string, iteration: Iteration): Promise<ChatCall | null> {
  const path = { id, number: iteration.number };
  const { calls } = await dataOf(api.GET('/v1/runs/{id}/iterations/{number}/prompt', { params: { path } }));
  const call =
    calls.findLast(({ outcome }) => outcome === 'accepted') ?? calls.findLast(({ answer }) => answer !== null);
  if (!call || call.answer === null) return null;
  const { proposal } = iteration;
  return {
    iteration: iteration.number,
    messages: call.messages as ChatMessage[],
    answer: call.answer,
    outcome: iteration.state as ChatCall['outcome'],
    proposal: proposal === null ? null : { knob: proposal.knob, newValue: proposal.newValue },
    metric: iteration.metric,
  };
}
