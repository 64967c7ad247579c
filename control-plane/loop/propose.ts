import { configKey, type BlockedTry, type ProposerKind, type Verdict } from '@nightshift/protocol';
import {
  acceptProposal,
  findIterationById,
  findRun,
  insertModelCall,
  listOpenIterations,
  lockRun,
  moveIteration,
  moveRun,
  parkProposing,
  recordEvent,
  renewLease,
  updateRun,
  type IterationRow,
  type RunRow,
} from '@nightshift/db';
import { gate } from '../policy/index.js';
import { CLOSED_BREAKER, proposeWithModel, type BreakerState, type ModelCallRecord } from '../proposer/index.js';
import { defaultSampler, describeBelief, nextTurn, randomSampler, seededRandom, type Belief } from '../search/index.js';
import type { Claim } from './advance.js';
import type { LoopDeps } from './deps.js';
import { updateLiveFigures } from './live-figures.js';
import { loadProposalContext, type ProposalContext } from './proposal-context.js';

/** Answers of a model that may be refused in one iteration: then the sampler takes the turn, or (a model alone) the iteration is blocked. */
const MAX_BLOCKED = { hybrid: 2, model: 3 } as const;
/** Bounds of the model's share in a hybrid: it never starves, so that it can earn its share back. */
const SHARE_FLOOR = 0.1;
const SHARE_CEILING = 0.8;

interface Made {
  proposer: ProposerKind;
  verdict: Extract<Verdict, { verdict: 'pass' }>;
  belief: Belief;
  blocked: BlockedTry[];
}

/**
 * Makes the proposal of a claimed iteration, outside any transaction, and stores it if the lease still holds. The lease is
 * renewed while the work goes on, so that a dead worker's step is taken up again soon and a slow model's is not.
 */
export async function propose(deps: LoopDeps, claim: Claim): Promise<void> {
  const lost = new AbortController();
  const lease = { token: claim.leaseToken, leaseMs: deps.leaseMs };
  const renewal = setInterval(() => {
    renewLease(deps.db, claim.iterationId, lease)
      .then((holds) => {
        if (!holds) lost.abort(new Error('the lease is lost'));
      })
      .catch((error: unknown) => deps.log.warn({ err: error }, 'a lease could not be renewed'));
  }, deps.leaseMs / 4);
  try {
    const run = await findRun(deps.db, claim.runId);
    const iteration = await findIterationById(deps.db, claim.iterationId);
    if (!run || !iteration) return;
    const context = await loadProposalContext(deps.db, run, iteration.id);
    const made = await make(deps, run, iteration, context, AbortSignal.any([deps.signal, lost.signal]));
    if (deps.signal.aborted) return;
    await store(deps, claim, run, iteration, context, made);
  } finally {
    clearInterval(renewal);
  }
}

type Attempted = { made: Made } | { made: null; why: 'exhausted' | 'blocked'; blocked: BlockedTry[] };

async function make(
  deps: LoopDeps,
  run: RunRow,
  iteration: IterationRow,
  context: ProposalContext,
  signal: AbortSignal,
): Promise<Attempted> {
  const { kind, share, model } = run.spec.proposer;
  const suggestInput = {
    menu: context.gate.menu,
    constraints: context.gate.constraints,
    base: context.comparator.config,
    trials: context.trials,
    goal: run.spec.metric.goal,
    random: seededRandom(`${run.spec.seed}/${run.id}/${iteration.number}/${iteration.blocked.length}`),
    noiseSd: context.noiseSd,
    exclude: (key: string) => context.tried.has(key),
  };
  const belief = describeBelief(suggestInput);
  let blocked = iteration.blocked;
  const isModelTurn =
    model !== null &&
    (kind === 'model' ||
      (kind === 'hybrid' &&
        nextTurn(context.turns, { floor: SHARE_FLOOR, ceiling: SHARE_CEILING, start: share }) === 'model'));
  if (isModelTurn && model) {
    const result = await proposeWithModel({
      spec: model,
      prompt: {
        project: run.spec.name,
        metric: run.spec.metric,
        menu: context.gate.menu,
        comparator: context.comparator,
        baseline: {
          value: context.trajectory.baseline.value,
          n: context.trajectory.baseline.values.length,
          sd: context.noiseSd,
        },
        records: context.trajectory.records,
        pending: (await listOpenIterations(deps.db, run.id)).flatMap((open) => (open.proposal ? [open.proposal] : [])),
        belief,
        notes: run.notes,
        blocked,
      },
      gate: (raw) => gate(raw, context.gate),
      maxBlocked: kind === 'model' ? MAX_BLOCKED.model : MAX_BLOCKED.hybrid,
      deadlineMs: model.timeoutMs * 2,
      apiKey: model.apiKeyEnv === null ? null : (deps.apiKey(model.apiKeyEnv) ?? null),
      breaker: (run.breaker as BreakerState | null) ?? CLOSED_BREAKER,
      record: (call) => keepCall(deps, run, iteration, call),
      signal,
    });
    blocked = [
      ...blocked,
      ...result.blocked.map((tried) => ({ ...tried, raw: storable(tried.raw), reason: storable(tried.reason) })),
    ];
    await updateRun(deps.db, run.id, { breaker: result.breaker });
    if (result.kind === 'accepted') return { made: { proposer: 'model', verdict: result.verdict, belief, blocked } };
    await recordEvent(deps.db, {
      type: 'model.fallback',
      runId: run.id,
      payload: { iteration: iteration.number, why: result.why, detail: result.detail, blocked: result.blocked.length },
    });
    if (kind === 'model' && result.why === 'blocked') return { made: null, why: 'blocked', blocked };
  }
  const sampler = kind === 'random' ? randomSampler : defaultSampler;
  const suggestion = sampler(suggestInput);
  if (!suggestion) return { made: null, why: 'exhausted', blocked };
  const verdict = gate(
    { knob: suggestion.knob, new_value: suggestion.newValue, reason: suggestion.reason },
    context.gate,
  );
  if (verdict.verdict === 'block')
    throw new Error(`the sampler's ${suggestion.knob} was blocked by ${verdict.rail}: ${verdict.reason}`);
  return { made: { proposer: kind === 'random' ? 'random' : 'sampler', verdict, belief: suggestion.belief, blocked } };
}

async function store(
  deps: LoopDeps,
  claim: Claim,
  run: RunRow,
  iteration: IterationRow,
  context: ProposalContext,
  attempted: Attempted,
): Promise<void> {
  await deps.db.transaction(async (tx) => {
    const current = await lockRun(tx, run.id, { skip: false });
    if (!current || current.endedAt) return;
    if (attempted.made) {
      const { proposer, verdict, belief, blocked } = attempted.made;
      const isStored = await acceptProposal(tx, iteration.id, claim.leaseToken, {
        proposer,
        proposal: verdict.proposal,
        config: verdict.config,
        configKey: configKey(verdict.config),
        comparatorKey: context.comparator.key,
        repeatOf: verdict.repeatOf,
        blocked,
        belief,
      });
      if (isStored)
        await recordEvent(tx, {
          type: 'iteration.accepted',
          runId: run.id,
          payload: { iteration: iteration.number, proposer, proposal: verdict.proposal },
        });
      return;
    }
    if (attempted.why === 'blocked') {
      const isMoved = await moveIteration(
        tx,
        iteration.id,
        'proposing',
        'blocked',
        { blocked: attempted.blocked, proposer: 'model', endedAt: new Date() },
        claim.leaseToken,
      );
      if (!isMoved) return;
      const last = attempted.blocked.at(-1);
      await recordEvent(tx, {
        type: 'iteration.blocked',
        runId: run.id,
        payload: { iteration: iteration.number, rail: last?.rail, reason: last?.reason },
      });
      await updateLiveFigures(tx, current, iteration.id);
      return;
    }
    // Nothing new is left to propose; while something trains, a keep may open new ground.
    const others = (await listOpenIterations(tx, run.id)).filter((open) => open.id !== iteration.id);
    if (others.length > 0 || current.state !== 'running') {
      await parkProposing(tx, iteration.id, claim.leaseToken);
      return;
    }
    const detail = 'every legal change of one knob has been measured';
    await moveIteration(tx, iteration.id, 'proposing', 'cancelled', { endedAt: new Date() }, claim.leaseToken);
    await moveRun(tx, run.id, ['running'], 'completed', {
      endedAt: new Date(),
      endReason: 'menu_exhausted',
      endDetail: detail,
    });
    await recordEvent(tx, { type: 'run.completed', runId: run.id, payload: { reason: 'menu_exhausted', detail } });
  });
}

async function keepCall(deps: LoopDeps, run: RunRow, iteration: IterationRow, call: ModelCallRecord): Promise<void> {
  const isFailure = call.outcome !== 'accepted' && call.outcome !== 'blocked' && call.outcome !== 'unreadable';
  await insertModelCall(deps.db, {
    runId: run.id,
    iterationId: iteration.id,
    model: call.model,
    mode: call.mode,
    messages: call.messages,
    answer: call.answer === null ? null : storable(call.answer),
    reasoning: call.reasoning === null ? null : storable(call.reasoning),
    error: isFailure ? call.outcome : null,
    detail: call.detail,
    outcome: call.rail === null ? call.outcome : `blocked:${call.rail}`,
    latencyMs: call.latencyMs,
    firstTokenMs: call.firstTokenMs,
    promptTokens: call.promptTokens,
    completionTokens: call.completionTokens,
  });
}

// Postgres stores neither NUL nor half a surrogate pair: a model that prints one keeps the rest of its answer.
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
