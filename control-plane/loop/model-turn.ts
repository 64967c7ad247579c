import {
  countVetoes,
  listOpenIterations,
  recordEvent,
  updateRun,
  type IterationRow,
  type RunRow,
} from '@nightshift/db';
import { configKey, storableText, type BlockedTry, type ModelSpec } from '@nightshift/protocol';
import { gate } from '../policy/index.js';
import { CLOSED_BREAKER, proposeWithModel, type BreakerState, type PromptInput } from '../proposer/index.js';
import type { Belief } from '../search/index.js';
import { askCritic, criticMessages } from './critic.js';
import type { LoopDeps } from './deps.js';
import { keepCall } from './keep-call.js';
import type { Made } from './made.js';
import type { ProposalContext } from './proposal-context.js';

/** Answers of a model that may be refused in one iteration: then the sampler takes the turn, or (a model alone) the iteration is blocked. */
const MAX_BLOCKED = { hybrid: 2, model: 3 } as const;

export type ModelTurn =
  { kind: 'made'; made: Made; breaker: BreakerState } | { kind: 'fallback'; blocked: BlockedTry[]; isBlocked: boolean };

/** Everything that a prompt is built from, but its budget. */
export async function promptInputOf(
  deps: Pick<LoopDeps, 'db'>,
  run: RunRow,
  context: ProposalContext,
  belief: Belief,
  refused: Pick<IterationRow, 'blocked' | 'outweighed'> = { blocked: [], outweighed: [] },
): Promise<Omit<PromptInput, 'budgetTokens'>> {
  return {
    project: run.spec.name,
    metric: run.spec.metric,
    menu: context.gate.menu,
    comparator: context.comparator,
    front: context.front,
    baseline: {
      value: context.trajectory.baseline.value,
      n: context.trajectory.baseline.values.length,
      sd: context.noiseSd,
    },
    records: context.trajectory.records,
    curves: context.curves,
    guards: guardsOf(context),
    pending: (await listOpenIterations(deps.db, run.id)).flatMap((open) => (open.proposal ? [open.proposal] : [])),
    belief,
    notes: run.notes,
    blocked: refused.blocked,
    outweighed: refused.outweighed,
  };
}

function guardsOf({ trials }: ProposalContext): PromptInput['guards'] {
  const read = trials.flatMap(({ config, guards = [] }) => (guards.length === 0 ? [] : [{ config, guards }]));
  return Object.fromEntries(read.map(({ config, guards }) => [configKey(config), guards]));
}

/** The model's turn: a proposal past the rails and past the critic, or the reason why the sampler has to take the turn. */
export async function modelTurn(
  deps: LoopDeps,
  run: RunRow,
  iteration: IterationRow,
  context: ProposalContext,
  belief: Belief,
  model: ModelSpec,
  signal: AbortSignal,
): Promise<ModelTurn> {
  const isAlone = run.spec.proposer.kind === 'model';
  const prompt = await promptInputOf(deps, run, context, belief, iteration);
  const result = await proposeWithModel({
    spec: model,
    prompt,
    gate: (raw) => gate(raw, context.gate),
    maxBlocked: isAlone ? MAX_BLOCKED.model : MAX_BLOCKED.hybrid,
    deadlineMs: model.timeoutMs * 2,
    apiKey: model.apiKeyEnv === null ? null : (deps.apiKey(model.apiKeyEnv) ?? null),
    breaker: (run.breaker as BreakerState | null) ?? CLOSED_BREAKER,
    record: (call) => keepCall(deps.db, { runId: run.id, iterationId: iteration.id, purpose: 'propose' }, call),
    signal,
  });
  const blocked = [
    ...iteration.blocked,
    ...result.blocked.map((tried) => ({ ...tried, raw: storableText(tried.raw), reason: storableText(tried.reason) })),
  ];
  await updateRun(deps.db, run.id, { breaker: result.breaker });
  if (result.kind === 'fallback') {
    await recordEvent(deps.db, {
      type: 'model.fallback',
      runId: run.id,
      payload: { iteration: iteration.number, why: result.why, detail: result.detail, blocked: result.blocked.length },
    });
    return { kind: 'fallback', blocked, isBlocked: result.why === 'blocked' };
  }
  const made: Made = {
    proposer: 'model',
    verdict: result.verdict,
    belief,
    blocked,
    outweighed: [],
    critique: null,
    standsOn: context.front.iteration,
  };
  const { critic } = run.spec.proposer;
  const { breaker } = result;
  if (!critic) return { kind: 'made', made, breaker };
  const { proposal, config } = result.verdict;
  const critique = await askCritic(
    deps,
    critic,
    { runId: run.id, iterationId: iteration.id, earlierVetoes: await countVetoes(deps.db, run.id), signal },
    criticMessages({
      project: run.spec.name,
      metric: run.spec.metric,
      config,
      proposal,
      records: context.trajectory.records,
    }),
  );
  if (!critique?.veto || critique.isOverruled) return { kind: 'made', made: { ...made, critique }, breaker };
  await recordEvent(deps.db, {
    type: 'critic.veto',
    runId: run.id,
    payload: { iteration: iteration.number, proposal, reason: storableText(critique.reason) },
  });
  return { kind: 'fallback', blocked, isBlocked: false };
}
