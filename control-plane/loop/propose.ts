import { measureKey, type ModelSpec } from '@nightshift/protocol';
import {
  acceptProposal,
  deferProposing,
  findIterationById,
  findRun,
  listTriedConfigs,
  lockRun,
  moveIteration,
  parkProposing,
  recordEvent,
  releaseProposing,
  renewLease,
  updateRun,
  type IterationRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { describeBelief, isCoverageDue, nextTurn, type SuggestInput } from '../search/index.js';
import { activeActions, EMPTY_PLAYBOOK, type Playbook, type PlaybookActionKind } from '../trajectory/playbook.js';
import type { Claim } from './advance.js';
import { climbLadder } from './climb-ladder.js';
import { PATCH } from './code-gate.js';
import { codeTurn } from './code-turn.js';
import type { LoopDeps } from './deps.js';
import { updateLiveFigures } from './live-figures.js';
import type { Attempted } from './made.js';
import { measuredKeys } from './measured-keys.js';
import { promptInputOf } from './model-turn.js';
import { loadProposalContext, type ProposalContext } from './proposal-context.js';
import { reflect } from './reflect.js';
import { samplerTurn, suggestInputOf } from './sampler-turn.js';
import { storePatch } from './store-patch.js';
import { weighedTurn } from './weighed-turn.js';

/** Bounds of the model's share in a hybrid: it never starves, so that it can earn its share back. */
const SHARE_FLOOR = 0.1;
const SHARE_CEILING = 0.8;
/** A model that alone can propose is asked again after this: shorter floods a dead server, longer idles beside a recovered one. */
const UNANSWERED_MS = 15_000;
/** What the playbook's `more_temperature` adds, and where it ends. */
const TEMPERATURE_STEP = 0.4;
const TEMPERATURE_MOST = 1.5;

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
    const context = await loadProposalContext(deps.db, run, iteration.id, 'front');
    const attempted = await attempt(deps, run, iteration, context, AbortSignal.any([deps.signal, lost.signal]));
    if (!deps.signal.aborted) await store(deps, claim, run, iteration, context, attempted);
  } finally {
    clearInterval(renewal);
  }
}

async function attempt(
  deps: LoopDeps,
  run: RunRow,
  iteration: IterationRow,
  context: ProposalContext,
  signal: AbortSignal,
): Promise<Attempted> {
  if (isCodeTurn(run, iteration, context)) return codeAttempt(deps, run, iteration, context, signal);
  const input = suggestInputOf(run, context, `${iteration.number}/${iteration.blocked.length}`);
  const playbook = (run.playbook as Playbook | null) ?? EMPTY_PLAYBOOK;
  const actions = activeActions(playbook, iteration.number);
  let { blocked, outweighed } = iteration;
  const isCovering = run.spec.proposer.kind === 'hybrid' && isCoverageDue(input);
  const model = isCovering ? null : await modelForTurn(deps, run, context, actions);
  if (model) {
    const belief = describeBelief(input);
    if (actions.includes('reflect') && (await takeOnce(deps, run.id, 'reflect')))
      await reflect(deps, run, model, await promptInputOf(deps, run, context, belief), signal);
    const turn = await weighedTurn(deps, { run, iteration, context, input, belief, model }, signal);
    if (turn.kind === 'made') return { made: turn.made };
    ({ blocked, outweighed } = turn);
    if (turn.isBlocked && run.spec.proposer.kind === 'model') return { made: null, why: 'blocked', blocked };
  }
  const wished = actions.includes('force_untouched') ? context.untouched : null;
  const made = samplerTurn(run, context, input, wished) ?? samplerTurnBelow(run, context, input, wished);
  return made ? { made: { ...made, blocked, outweighed, critique: null } } : { made: null, why: 'exhausted', blocked };
}

// The front may be used up where what candidates are compared with is not.
function samplerTurnBelow(
  run: RunRow,
  context: ProposalContext,
  input: SuggestInput,
  wished: readonly string[] | null,
): ReturnType<typeof samplerTurn> {
  if (context.front.iteration === null) return null;
  const { config } = context.comparator;
  const below = { ...context, front: { config, iteration: null }, gate: { ...context.gate, comparator: config } };
  return samplerTurn(run, below, { ...input, base: config }, wished);
}

// A repair goes on with the patch that it mends; else patches get their share of the turns, spread evenly, when there is a menu too.
function isCodeTurn(run: RunRow, iteration: IterationRow, context: ProposalContext): boolean {
  const { edit, menu } = run.spec;
  if (!edit) return false;
  if (!menu || iteration.repairs > 0) return true;
  if (run.spec.proposer.model === null) return false;
  const { records } = context.trajectory;
  const patches = records.filter((record) => record.proposal?.knob === PATCH).length;
  return patches < (records.length + 1) * edit.share;
}

async function codeAttempt(
  deps: LoopDeps,
  run: RunRow,
  iteration: IterationRow,
  context: ProposalContext,
  signal: AbortSignal,
): Promise<Attempted> {
  const model = await climbLadder(deps, run, context);
  if (!model)
    return {
      made: null,
      why: 'unanswered',
      detail: 'patches need proposer.model, or somebody who hands them in',
      blocked: iteration.blocked,
    };
  const turn = await codeTurn(deps, run, iteration, context, model, signal);
  if (turn.kind === 'made') return { made: null, why: 'patch', patch: turn.made };
  if (turn.kind === 'blocked') return { made: null, why: 'blocked', blocked: turn.blocked };
  return { made: null, why: 'unanswered', detail: turn.why, blocked: turn.blocked };
}

// The model of this turn, on its step of the ladder and with the playbook's temperature; null when the turn is the sampler's.
async function modelForTurn(
  deps: LoopDeps,
  run: RunRow,
  context: ProposalContext,
  actions: PlaybookActionKind[],
): Promise<ModelSpec | null> {
  const { proposer } = run.spec;
  if (proposer.model === null || actions.includes('force_untouched')) return null;
  const isLess = actions.includes('less_model');
  if (proposer.kind === 'hybrid') {
    const bounds = {
      floor: SHARE_FLOOR,
      ceiling: isLess ? SHARE_FLOOR : SHARE_CEILING,
      start: isLess ? SHARE_FLOOR : proposer.share,
    };
    if (nextTurn(context.turns, bounds) !== 'model') return null;
  } else if (proposer.kind !== 'model') return null;
  const model = await climbLadder(deps, run, context);
  if (!model || !actions.includes('more_temperature')) return model;
  return { ...model, temperature: Math.min(TEMPERATURE_MOST, model.temperature + TEMPERATURE_STEP) };
}

// A reflection is made once for its action, by whichever proposal comes first.
async function takeOnce(deps: LoopDeps, runId: string, kind: PlaybookActionKind): Promise<boolean> {
  return deps.db.transaction(async (tx) => {
    const run = await lockRun(tx, runId, { skip: false });
    const playbook = run?.playbook as Playbook | null | undefined;
    const action = playbook?.actions.find((one) => one.kind === kind && one.score === null && !one.isTaken);
    if (!playbook || !action) return false;
    const actions = playbook.actions.map((one) => (one === action ? { ...one, isTaken: true } : one));
    return updateRun(tx, runId, { playbook: { ...playbook, actions } });
  });
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
      const { proposer, verdict, belief, blocked, outweighed, critique, standsOn } = attempted.made;
      const key = measureKey(verdict.config, context.comparator.codeKey);
      if (verdict.repeatOf === null && (await isTakenMeanwhile(tx, run, iteration.id, key))) {
        await releaseProposing(tx, iteration.id, claim.leaseToken);
        return;
      }
      const isStored = await acceptProposal(tx, iteration.id, claim.leaseToken, {
        proposer,
        proposal: verdict.proposal,
        config: verdict.config,
        configKey: key,
        codeKey: context.comparator.codeKey,
        comparatorKey: context.comparator.key,
        standsOn,
        repeatOf: verdict.repeatOf,
        blocked,
        outweighed,
        belief,
        critique,
      });
      if (!isStored) return;
      for (const tried of outweighed.slice(iteration.outweighed.length))
        await recordEvent(tx, {
          type: 'model.outweighed',
          runId: run.id,
          payload: { iteration: iteration.number, ...tried },
        });
      await recordEvent(tx, {
        type: 'iteration.accepted',
        runId: run.id,
        payload: { iteration: iteration.number, proposer, proposal: verdict.proposal },
      });
      return;
    }
    if (attempted.why === 'patch') {
      const { patch } = attempted;
      const key = measureKey(context.comparator.config, patch.codeKey);
      if (patch.repeatOf === null && (await isTakenMeanwhile(tx, run, iteration.id, key))) {
        await releaseProposing(tx, iteration.id, claim.leaseToken);
        return;
      }
      await storePatch(tx, run, iteration, context, claim.leaseToken, attempted.patch, 'model');
      return;
    }
    if (attempted.why === 'unanswered') {
      // Nobody else can write patches: the model is asked again later, while the run waits and says so.
      await deferProposing(tx, iteration.id, claim.leaseToken, { afterMs: UNANSWERED_MS, blocked: attempted.blocked });
      await recordEvent(tx, {
        type: 'model.unanswered',
        runId: run.id,
        payload: { iteration: iteration.number, detail: attempted.detail },
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
    // Nothing new is left to propose. While something trains or waits to, a keep may open new ground; else the run ends.
    await parkProposing(tx, iteration.id, claim.leaseToken);
  });
}

// Whoever proposed beside this one, from the same rows, may have booked the same configuration first: the run's lock decides.
async function isTakenMeanwhile(tx: Tx, run: RunRow, iterationId: string, key: string): Promise<boolean> {
  if (run.spec.policy.repeat === 'allow') return false;
  return measuredKeys(await listTriedConfigs(tx, run.id, iterationId)).has(key);
}
