import { randomUUID } from 'node:crypto';
import { isTerminalRun } from '@nightshift/protocol';
import {
  cancelJobsOfRun,
  cancelQueuedJobs,
  claimProposing,
  insertIteration,
  lockRun,
  moveIteration,
  moveRun,
  recordEvent,
  type IterationRow,
  type JobRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { confirmationOf } from './confirmation-of-run.js';
import { confirmIncumbent } from './confirm.js';
import { decideIteration } from './decide-iteration.js';
import type { LoopDeps } from './deps.js';
import { tellBaselineGuards } from './tell-baseline-guards.js';
import { takeInAudits } from './live-figures.js';
import { loadLoopState } from './loop-state.js';
import { nextStep, type Step } from './next-step.js';
import { queueJob } from './queue-job.js';
import { startIteration } from './start-iteration.js';
import { findHopeless, stopHopeless, type StopEarly } from './stop-hopeless.js';

/** A proposal that this caller has claimed and must now make, outside any transaction. */
export interface Claim {
  runId: string;
  iterationId: string;
  leaseToken: string;
}

/**
 * Takes a run as far as its rows allow: one short transaction a step, until nothing is left to do.
 * Anyone may call it, any number of times; the run's row lock makes callers take turns.
 * @param options.skip give up at once when another holds the run (the sweep); otherwise wait for it (a hint that something changed).
 * @returns the proposals that the caller has claimed.
 */
export async function advance(deps: LoopDeps, runId: string, options: { skip: boolean }): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (;;) {
    if (deps.signal.aborted) return claims;
    const done = await deps.db.transaction(async (tx) => {
      const run = await lockRun(tx, runId, options);
      if (!run || isTerminalRun(run.state)) return { kind: 'idle' as const };
      const state = await loadLoopState(tx, run);
      let step: Step | StopEarly = nextStep(state);
      if (step.kind === 'idle') step = (await findHopeless(tx, state)) ?? step;
      const claim = await takeStep(tx, deps, run, step);
      return { kind: step.kind, claim };
    });
    if (done.kind === 'idle') return claims;
    if (done.kind !== 'claim_proposal' && done.kind !== 'create_iteration') deps.wake.fleet();
    if ('claim' in done && done.claim) claims.push(done.claim);
  }
}

async function takeStep(tx: Tx, deps: LoopDeps, run: RunRow, step: Step | StopEarly): Promise<Claim | undefined> {
  const now = new Date();
  switch (step.kind) {
    case 'idle':
      return undefined;
    case 'start_baseline':
      await moveRun(tx, run.id, ['queued'], 'baseline', { startedAt: now });
      for (let replicate = 1; replicate <= run.spec.decision.baselineReplicates; replicate++)
        await queueJob(tx, run, {
          iterationId: null,
          iteration: null,
          role: 'baseline',
          replicate,
          config: run.baselineConfig,
          configKey: run.baselineKey,
        });
      await recordEvent(tx, {
        type: 'run.baseline',
        runId: run.id,
        payload: { replicates: run.spec.decision.baselineReplicates },
      });
      return undefined;
    case 'begin_iterations':
      await moveRun(tx, run.id, ['baseline'], 'running');
      await recordEvent(tx, { type: 'run.running', runId: run.id });
      await tellBaselineGuards(tx, run);
      return undefined;
    case 'decide':
      await decideIteration(tx, run, step.iteration, step.jobs);
      return undefined;
    case 'start_iteration':
      await startIteration(tx, run, step.iteration);
      return undefined;
    case 'create_iteration':
      await insertIteration(tx, run.id);
      return undefined;
    case 'claim_proposal': {
      const leaseToken = randomUUID();
      const row = await claimProposing(tx, step.iteration.id, { token: leaseToken, leaseMs: deps.leaseMs });
      return row ? { runId: run.id, iterationId: row.id, leaseToken } : undefined;
    }
    case 'stop_early':
      await stopHopeless(tx, run, step);
      return undefined;
    case 'cancel_jobs':
      await tellCancelled(tx, await cancelJobsOfRun(tx, run.id, 'the run was stopped'));
      return undefined;
    case 'cancel_queued':
      await tellCancelled(tx, await cancelQueuedJobs(tx, run.id, step.detail, step.jobIds));
      return undefined;
    case 'cancel_open':
      await cancelOpen(tx, run, step.iterations, step.detail);
      return undefined;
    case 'end_run':
      if (step.to === 'completed' && (await confirmIncumbent(tx, run, step))) return undefined;
      await cancelOpen(tx, run, step.open ?? [], step.detail);
      await tellConfirmation(tx, run);
      await takeInAudits(tx, run);
      await moveRun(tx, run.id, [run.state], step.to, {
        endedAt: now,
        endReason: step.reason,
        endDetail: step.detail,
        pausedAt: null,
        pausedFrom: null,
      });
      await recordEvent(tx, {
        type: `run.${step.to}`,
        runId: run.id,
        payload: { reason: step.reason, detail: step.detail },
      });
      return undefined;
  }
}

async function tellConfirmation(tx: Tx, run: RunRow): Promise<void> {
  const { confirmation, unconfirmed } = await confirmationOf(tx, { ...run, endedAt: new Date() });
  if (confirmation) await recordEvent(tx, { type: 'run.confirmed', runId: run.id, payload: confirmation });
  if (unconfirmed) await recordEvent(tx, { type: 'run.unconfirmed', runId: run.id, payload: unconfirmed });
}

async function cancelOpen(tx: Tx, run: RunRow, iterations: IterationRow[], detail: string): Promise<void> {
  for (const iteration of iterations) {
    await moveIteration(tx, iteration.id, iteration.state, 'cancelled', { endedAt: new Date() });
    await recordEvent(tx, {
      type: 'iteration.cancelled',
      runId: run.id,
      payload: { iteration: iteration.number, detail },
    });
  }
}

async function tellCancelled(tx: Tx, jobs: JobRow[]): Promise<void> {
  for (const job of jobs)
    await recordEvent(tx, {
      type: 'job.cancelled',
      runId: job.runId,
      payload: { jobId: job.id, attempt: job.attempt, reason: job.reason, detail: job.detail, metric: null },
    });
}
