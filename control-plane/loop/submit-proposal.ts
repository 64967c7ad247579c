import { randomUUID } from 'node:crypto';
import {
  AppError,
  compileConstraints,
  configKey,
  type Config,
  type Menu,
  type ProposerKind,
  type Verdict,
} from '@nightshift/protocol';
import {
  acceptProposal,
  claimProposing,
  findIterationById,
  insertIteration,
  listTriedConfigs,
  lockRun,
  recordEvent,
  type IterationRow,
} from '@nightshift/db';
import { gate } from '../policy/index.js';
import type { LoopDeps } from './deps.js';
import { comparatorOf } from './start-iteration.js';

export interface Submission {
  verdict: Verdict;
  /** The iteration that will measure it; null when a rail blocked it (nothing is booked then). */
  iteration: IterationRow | null;
}

/**
 * Takes a proposal of a person, a script or a coding agent past the same rails as everybody's.
 * `raw` is a JSON text as a model would answer, or the parsed object {knob, new_value, reason}.
 * @throws AppError not_found, illegal_state (the run has ended or is being stopped, or five proposals wait already).
 */
export async function submitProposal(
  deps: Pick<LoopDeps, 'db' | 'wake'>,
  runId: string,
  submission: { raw: unknown; candidate?: Config; proposer?: ProposerKind },
): Promise<Submission> {
  const result = await deps.db.transaction(async (tx): Promise<Submission> => {
    const run = await lockRun(tx, runId, { skip: false });
    if (!run) throw new AppError('not_found', `there is no run ${runId}`);
    if (run.endedAt) throw new AppError('illegal_state', `the run is ${run.state}; it takes no more proposals`);
    if (run.stopRequestedAt)
      throw new AppError('illegal_state', 'the run is being stopped; it takes no more proposals');
    const tried = await listTriedConfigs(tx, runId);
    const keys = new Set(tried.map((row) => row.configKey));
    const comparator = comparatorOf(run);
    const menu = run.spec.menu as Menu;
    const verdict = gate(submission.raw, {
      menu,
      constraints: compileConstraints(menu),
      comparator: comparator.config,
      measured: (key) => keys.has(key),
      repeat: run.spec.policy.repeat,
      candidate: submission.candidate,
    });
    if (verdict.verdict === 'block') {
      await recordEvent(tx, {
        type: 'proposal.blocked',
        runId,
        payload: { rail: verdict.rail, reason: verdict.reason, proposal: verdict.proposal },
      });
      return { verdict, iteration: null };
    }
    const iteration = await insertIteration(tx, runId);
    const token = randomUUID();
    await claimProposing(tx, iteration.id, { token, leaseMs: 60_000 });
    await acceptProposal(tx, iteration.id, token, {
      proposer: submission.proposer ?? 'external',
      proposal: verdict.proposal,
      config: verdict.config,
      configKey: configKey(verdict.config),
      comparatorKey: comparator.key,
      repeatOf: verdict.repeatOf,
      blocked: [],
      belief: null,
    });
    await recordEvent(tx, {
      type: 'iteration.accepted',
      runId,
      payload: { iteration: iteration.number, proposer: submission.proposer ?? 'external', proposal: verdict.proposal },
    });
    return { verdict, iteration: (await findIterationById(tx, iteration.id)) ?? iteration };
  });
  if (result.iteration) deps.wake.run(runId);
  return result;
}
