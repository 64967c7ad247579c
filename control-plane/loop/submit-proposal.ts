import { randomUUID } from 'node:crypto';
import {
  AppError,
  compileConstraints,
  measureKey,
  type Config,
  type Menu,
  type ProposerKind,
  type Rail,
} from '@nightshift/protocol';
import {
  acceptProposal,
  claimProposing,
  findIterationById,
  insertIteration,
  listOpenIterations,
  listTriedConfigs,
  lockRun,
  recordEvent,
  type IterationRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { gateCode } from '../policy/code/index.js';
import { gate } from '../policy/index.js';
import { codeContextOf, codeKeyFor } from './code-gate.js';
import { comparatorOf } from './comparator.js';
import { complexityDeltaOf } from './complexity-delta.js';
import type { LoopDeps } from './deps.js';
import { measuredKeys } from './measured-keys.js';
import { storePatch } from './store-patch.js';

export interface Submission {
  verdict: { verdict: 'pass' } | { verdict: 'block'; rail: Rail; reason: string };
  /** The iteration that will measure it; null when a rail blocked it (nothing is booked then). */
  iteration: IterationRow | null;
}
export interface NewProposal {
  /** Menu mode: a JSON text as a model would answer, or the parsed object {knob, new_value, reason}. */
  raw?: unknown;
  /** Menu mode: the complete configuration that is meant to run; the diff rail checks it. */
  candidate?: Config | undefined;
  /** Code mode: search/replace blocks, a unified diff or whole files, as a model would answer. */
  patch?: string | undefined;
  proposer?: ProposerKind;
}

/** Proposals of people that may wait to be measured: more are a script that does not listen. */
const MAX_WAITING = 20;

/**
 * Takes a proposal of a person, a script or a coding agent past the same rails as everybody's.
 * @throws AppError not_found, illegal_state (the run has ended or is being stopped, has no such mode, or too many wait already).
 */
export async function submitProposal(
  deps: Pick<LoopDeps, 'db' | 'wake'>,
  runId: string,
  proposal: NewProposal,
): Promise<Submission> {
  const result = await deps.db.transaction(async (tx): Promise<Submission> => {
    const run = await lockRun(tx, runId, { skip: false });
    if (!run) throw new AppError('not_found', `there is no run ${runId}`);
    if (run.endedAt) throw new AppError('illegal_state', `the run is ${run.state}; it takes no more proposals`);
    if (run.stopRequestedAt)
      throw new AppError('illegal_state', 'the run is being stopped; it takes no more proposals');
    if (run.searchEnd)
      throw new AppError(
        'illegal_state',
        `the search is over (${run.searchEnd.detail}) and what it chose is being confirmed; the run takes no more proposals`,
      );
    const waiting = (await listOpenIterations(tx, runId)).filter((iteration) => iteration.state === 'accepted');
    if (waiting.length >= MAX_WAITING)
      throw new AppError(
        'illegal_state',
        `${waiting.length} proposals wait already; watch the run and propose when they are measured`,
      );
    const submission =
      proposal.patch === undefined
        ? await takeKnob(tx, run, proposal)
        : await takePatch(tx, run, proposal.patch, proposal.proposer);
    if (submission.verdict.verdict === 'block')
      await recordEvent(tx, {
        type: 'proposal.blocked',
        runId,
        payload: { rail: submission.verdict.rail, reason: submission.verdict.reason },
      });
    return submission;
  });
  if (result.iteration) deps.wake.run(runId);
  return result;
}

async function book(tx: Tx, runId: string): Promise<{ iteration: IterationRow; token: string }> {
  const iteration = await insertIteration(tx, runId);
  const token = randomUUID();
  await claimProposing(tx, iteration.id, { token, leaseMs: 60_000 });
  return { iteration, token };
}

async function takeKnob(
  tx: Tx,
  run: RunRow,
  { raw, candidate, proposer = 'external' }: NewProposal,
): Promise<Submission> {
  const menu: Menu | null = run.spec.menu;
  if (!menu) throw new AppError('illegal_state', 'the run has no menu; hand in a patch');
  const keys = measuredKeys(await listTriedConfigs(tx, run.id));
  const comparator = comparatorOf(run);
  const verdict = gate(raw, {
    menu,
    constraints: compileConstraints(menu),
    comparator: comparator.config,
    measured: (key) => keys.has(comparator.codeKey === null ? key : `${key}@${comparator.codeKey}`),
    repeat: run.spec.policy.repeat,
    candidate,
  });
  if (verdict.verdict === 'block') return { verdict, iteration: null };
  const { iteration, token } = await book(tx, run.id);
  await acceptProposal(tx, iteration.id, token, {
    proposer,
    proposal: verdict.proposal,
    config: verdict.config,
    configKey: measureKey(verdict.config, comparator.codeKey),
    codeKey: comparator.codeKey,
    comparatorKey: comparator.key,
    repeatOf: verdict.repeatOf,
    blocked: [],
    belief: null,
  });
  await recordEvent(tx, {
    type: 'iteration.accepted',
    runId: run.id,
    payload: { iteration: iteration.number, proposer, proposal: verdict.proposal },
  });
  return { verdict: { verdict: 'pass' }, iteration: (await findIterationById(tx, iteration.id)) ?? iteration };
}

async function takePatch(tx: Tx, run: RunRow, patch: string, proposer: ProposerKind = 'external'): Promise<Submission> {
  if (!run.spec.edit) throw new AppError('illegal_state', 'the run is in menu mode; propose a knob and a value');
  if (run.baselineCodeKey === null)
    throw new AppError('illegal_state', 'no box has told the source of this run yet; propose when its baseline runs');
  const comparator = comparatorOf(run);
  const context = await codeContextOf(tx, run, comparator);
  const verdict = gateCode(patch, context);
  if (verdict.verdict === 'block') return { verdict, iteration: null };
  const { iteration, token } = await book(tx, run.id);
  const { proposal, files, treeHash, repeatOf } = verdict;
  const made = {
    proposal,
    files,
    treeHash,
    codeKey: codeKeyFor(run, treeHash),
    repeatOf,
    blocked: [],
    complexityDelta: complexityDeltaOf(context.files, files),
  };
  await storePatch(tx, run, iteration, { comparator }, token, made, proposer);
  return { verdict: { verdict: 'pass' }, iteration: (await findIterationById(tx, iteration.id)) ?? iteration };
}
