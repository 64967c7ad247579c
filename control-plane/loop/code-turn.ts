import {
  storableText,
  type BlockedTry,
  type CodeProposal,
  type ModelSpec,
  type SourceFile,
} from '@nightshift/protocol';
import {
  listOpenIterations,
  recordEvent,
  updateRun,
  type IterationRow,
  type Queryable,
  type RunRow,
} from '@nightshift/db';
import { gateCode } from '../policy/code/index.js';
import {
  afterFailure,
  afterSuccess,
  buildCodePrompt,
  callModel,
  callRecord,
  CLOSED_BREAKER,
  isBreakerOpen,
  promptBudget,
  unwrapAnswer,
  type BreakerState,
} from '../proposer/index.js';
import { codeContextOf, codeKeyFor } from './code-gate.js';
import { complexityDeltaOf } from './complexity-delta.js';
import type { LoopDeps } from './deps.js';
import { keepCall } from './keep-call.js';
import type { ProposalContext } from './proposal-context.js';

/** Answers that may be refused in one iteration before it is blocked. */
const MAX_BLOCKED = 3;

export interface MadePatch {
  proposal: CodeProposal;
  files: SourceFile[];
  treeHash: string;
  /** Null: the patch leads back to the source's own code. */
  codeKey: string | null;
  repeatOf: string | null;
  blocked: BlockedTry[];
  /** Branches after minus branches before. */
  complexityDelta: number;
}
export type CodeTurn =
  | { kind: 'made'; made: MadePatch }
  | { kind: 'blocked'; blocked: BlockedTry[] }
  /** The model did not answer; nothing else can write patches, so that it is asked again later. */
  | { kind: 'unanswered'; why: string; blocked: BlockedTry[] };

/** A model's turn at the code: prompt, call, gate; a refusal is told to the model, up to three in an iteration. */
export async function codeTurn(
  deps: LoopDeps,
  run: RunRow,
  iteration: IterationRow,
  context: ProposalContext,
  model: ModelSpec,
  signal: AbortSignal,
): Promise<CodeTurn> {
  const gateContext = await codeContextOf(deps.db, run, context.comparator, iteration.id);
  let breaker = (run.breaker as BreakerState | null) ?? CLOSED_BREAKER;
  let { blocked } = iteration;
  const refused = new Set<string>();
  const repair = readRepair(iteration);
  while (blocked.length < MAX_BLOCKED) {
    if (isBreakerOpen(breaker, Date.now()))
      return { kind: 'unanswered', why: `the model is left alone for a while: ${breaker.lastError}`, blocked };
    const prompt = buildCodePrompt({
      ...codeMemoryOf(run, context),
      files: gateContext.files,
      maxChangedLines: gateContext.maxChangedLines,
      pending: await pendingPatches(deps.db, run.id, iteration.id),
      blocked,
      repair,
      budgetTokens: promptBudget(model),
    });
    if (!prompt.fits)
      return {
        kind: 'unanswered',
        why: `the editable files do not fit into the model's context: ${prompt.tokens} tokens of ${promptBudget(model)} (proposer.model.contextTokens)`,
        blocked,
      };
    const apiKey = model.apiKeyEnv === null ? null : (deps.apiKey(model.apiKeyEnv) ?? null);
    const answer = await callModel(model, { messages: prompt.messages, schema: null, apiKey, signal });
    const unwrapped = answer.ok ? unwrapAnswer(answer.text, answer.reasoning ?? '', { keepFence: true }) : null;
    const verdict = unwrapped?.ok ? gateCode(unwrapped.text, gateContext) : null;
    await keepCall(
      deps.db,
      { runId: run.id, iterationId: iteration.id, purpose: repair ? 'repair' : 'propose' },
      {
        ...callRecord(model, prompt.messages, answer),
        ...(answer.ok && verdict?.verdict !== 'pass' ? { outcome: verdict ? 'blocked' : 'unreadable' } : {}),
        rail: verdict?.verdict === 'block' ? verdict.rail : null,
      },
    );
    if (answer.ok) breaker = afterSuccess();
    // A call that we broke off ourselves, at a shutdown or with a lost lease, says nothing about the server.
    else if (answer.error !== 'aborted')
      breaker = afterFailure(breaker, { error: answer.error, nowMs: Date.now(), retryAfterMs: answer.retryAfterMs });
    await updateRun(deps.db, run.id, { breaker });
    if (!answer.ok) return { kind: 'unanswered', why: `${answer.error}: ${answer.detail}`, blocked };
    if (verdict?.verdict === 'pass') {
      const { proposal, files, treeHash, repeatOf } = verdict;
      return {
        kind: 'made',
        made: {
          proposal,
          files,
          treeHash,
          codeKey: codeKeyFor(run, treeHash),
          repeatOf,
          blocked,
          complexityDelta: complexityDeltaOf(gateContext.files, files),
        },
      };
    }
    const refusal: BlockedTry =
      verdict?.verdict === 'block'
        ? {
            rail: verdict.rail,
            reason: storableText(verdict.reason),
            raw: storableText(answer.text).slice(0, 2000),
            proposer: 'model',
          }
        : {
            rail: 'schema',
            reason: unwrapped && !unwrapped.ok ? unwrapped.detail : 'the answer could not be read',
            raw: storableText(answer.text).slice(0, 2000),
            proposer: 'model',
          };
    const isRepeat = answer.ok && refused.has(answer.text);
    if (answer.ok) refused.add(answer.text);
    blocked = [...blocked, refusal];
    await recordEvent(deps.db, {
      type: 'proposal.blocked',
      runId: run.id,
      payload: { iteration: iteration.number, rail: refusal.rail, reason: refusal.reason, isRepeat },
    });
  }
  return { kind: 'blocked', blocked };
}

/** What a prompt for a patch says of the run, whoever it is for. */
export function codeMemoryOf(run: RunRow, { comparator, trajectory, noiseSd }: ProposalContext) {
  const { value, values } = trajectory.baseline;
  return {
    project: run.spec.name,
    metric: run.spec.metric,
    sealed: run.spec.edit?.sealed ?? [],
    comparator,
    baseline: { value, n: values.length, sd: noiseSd },
    records: trajectory.records,
    earlier: trajectory.earlier ?? null,
    notes: run.notes,
  };
}

/** The patches of a run that are not decided yet, but for one iteration's. */
export async function pendingPatches(
  q: Queryable,
  runId: string,
  exceptIterationId?: string,
): Promise<{ iteration: number; summary: string }[]> {
  const open = await listOpenIterations(q, runId);
  return open.flatMap(({ id, number, patch }) =>
    patch === null || id === exceptIterationId ? [] : [{ iteration: number, summary: (patch as CodeProposal).summary }],
  );
}

/** What decideIteration left in the row when it sent a slip back: the crashed patch and the end of its output. */
function readRepair(iteration: IterationRow): { diff: string; output: string } | null {
  if (iteration.repairs === 0 || !iteration.patch) return null;
  return { diff: (iteration.patch as CodeProposal).patch.diff, output: iteration.failureDetail ?? '' };
}
