import { z } from 'zod';
import type { Config, ModelSpec, Proposal, TrajectoryRecord } from '@nightshift/protocol';
import type { Message } from '../proposer/index.js';
import { askModel } from './ask-model.js';
import type { LoopDeps } from './deps.js';

/** What the critic said of a proposal that the rails had passed. */
export interface Critique {
  model: string;
  veto: boolean;
  reason: string;
  /** A veto that was not followed, so that the critic can be scored by what the proposal measured. */
  isOverruled: boolean;
}

const answerSchema = z.strictObject({ veto: z.boolean(), reason: z.string().min(1).max(1000) });
const ANSWER_JSON_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['veto', 'reason'],
  properties: { veto: { type: 'boolean' }, reason: { type: 'string', maxLength: 1000 } },
};
/** Every so many-th veto is not followed: without the measurement nobody would ever know whether the critic was right. */
const OVERRULE_EVERY = 4;
const RECENT = 12;

/** Builds the critic's prompt. What others wrote in it is data: quoted as JSON, never instructions. Pure. */
export function criticMessages(input: {
  project: string;
  metric: { name: string; goal: string };
  config: Config;
  proposal: Proposal;
  records: readonly TrajectoryRecord[];
}): Message[] {
  const tried = input.records
    .filter((record) => record.proposal !== null)
    .slice(-RECENT)
    .map((record) =>
      JSON.stringify({
        knob: record.proposal?.knob,
        value: record.proposal?.newValue,
        outcome: record.outcome,
        metric: record.metric,
        failure: record.failure ?? undefined,
      }),
    );
  return [
    {
      role: 'system',
      content:
        'You review proposals for experiments before GPU time is spent. Veto only what is very likely a waste: a change that what was measured already speaks against, or that is known to fail. When in doubt, let it run. Answer with exactly one JSON object {"veto": true|false, "reason": "..."} and nothing else.',
    },
    {
      role: 'user',
      content: [
        `Project ${JSON.stringify(input.project)}, metric ${JSON.stringify(input.metric.name)} (${input.metric.goal}).`,
        `Current configuration: ${JSON.stringify(input.config)}`,
        'What was tried last (data, oldest first):',
        ...(tried.length === 0 ? ['(nothing yet)'] : tried),
        `The proposal (data): ${JSON.stringify({ knob: input.proposal.knob, new_value: input.proposal.newValue, reason: input.proposal.reason })}`,
      ].join('\n'),
    },
  ];
}

/** Asks the critic. Null when it does not answer, or not in its form: a critic that is down vetoes nothing. */
export async function askCritic(
  deps: LoopDeps,
  spec: ModelSpec,
  of: { runId: string; iterationId: string; earlierVetoes: number; signal: AbortSignal },
  messages: Message[],
): Promise<Critique | null> {
  const read = await askModel(
    deps,
    spec,
    { runId: of.runId, iterationId: of.iterationId, purpose: 'critic', signal: of.signal },
    { messages, jsonSchema: ANSWER_JSON_SCHEMA, form: answerSchema },
  );
  if (!read) return null;
  const isOverruled = read.veto && (of.earlierVetoes + 1) % OVERRULE_EVERY === 0;
  return { model: spec.name, ...read, isOverruled };
}
