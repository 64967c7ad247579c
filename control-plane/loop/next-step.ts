import { isInfrastructureReason, isTerminalJob } from '@nightshift/protocol';
import { isParked, type IterationRow, type JobRow } from '@nightshift/db';
import type { LoopState } from './loop-state.js';
import { stopReason } from './stop-reason.js';

/** The one next thing to do for a run. */
export type Step =
  | { kind: 'start_baseline' }
  | { kind: 'begin_iterations' }
  /** `open`: iterations that end with the run, in the same transaction. */
  | {
      kind: 'end_run';
      to: 'completed' | 'stopped' | 'failed';
      reason: string;
      detail: string;
      open?: IterationRow[];
    }
  | { kind: 'cancel_open'; iterations: IterationRow[]; detail: string }
  | { kind: 'cancel_jobs' }
  | { kind: 'cancel_queued'; jobIds: string[]; detail: string }
  | { kind: 'decide'; iteration: IterationRow; jobs: JobRow[] }
  | { kind: 'start_iteration'; iteration: IterationRow }
  | { kind: 'create_iteration' }
  | { kind: 'claim_proposal'; iteration: IterationRow }
  | { kind: 'idle' };

const idle: Step = { kind: 'idle' };

/** Says what a run needs next, from its rows alone. Pure: called again after every step until it says idle. */
export function nextStep(state: LoopState): Step {
  const { run } = state;
  if (run.stopRequestedAt !== null) return stopStep(state);
  const decidable = state.open.find((iteration) => {
    if (iteration.state !== 'measuring') return false;
    const jobs = jobsOf(state, iteration);
    return jobs.every((job) => isTerminalJob(job.state)) && !jobs.some(isBroken);
  });
  if (decidable) return { kind: 'decide', iteration: decidable, jobs: jobsOf(state, decidable) };
  switch (run.state) {
    case 'queued':
      return { kind: 'start_baseline' };
    case 'baseline':
      return baselineStep(state);
    case 'running':
      return runningStep(state);
    default:
      return idle;
  }
}

function isBroken(job: JobRow): boolean {
  return job.reason !== null && isInfrastructureReason(job.reason);
}

function jobsOf(state: LoopState, iteration: IterationRow): JobRow[] {
  return state.openJobs.filter((job) => job.iterationId === iteration.id);
}

function stopStep(state: LoopState): Step {
  const live = [...state.baselineJobs, ...state.openJobs, ...state.audits].filter((job) => !isTerminalJob(job.state));
  if (live.some((job) => job.cancelRequestedAt === null)) return { kind: 'cancel_jobs' };
  if (live.length > 0) return idle;
  if (state.open.length > 0) return { kind: 'cancel_open', iterations: state.open, detail: 'the run was stopped' };
  return { kind: 'end_run', to: 'stopped', reason: 'stopped', detail: 'stopped on request' };
}

function baselineStep(state: LoopState): Step {
  const done = state.baselineJobs.filter((job) => isTerminalJob(job.state));
  const waiting = state.baselineJobs.length - done.length;
  const infrastructure = done.find(isBroken);
  if (infrastructure) return failedByInfrastructure(state, infrastructure);
  const stop = stopReason({ ...state, iterations: 0 });
  if (stop && (waiting > 0 || done.every((job) => job.state === 'cancelled'))) return stopWaiting(state, stop);
  if (waiting > 0) return waiting <= state.run.spec.boxes.parallel ? proposalStep(state) : idle;
  if (done.some((job) => job.state === 'succeeded')) return { kind: 'begin_iterations' };
  if (state.open.length > 0)
    return { kind: 'cancel_open', iterations: state.open, detail: 'the baseline could not be measured' };
  const last = done.at(-1);
  return {
    kind: 'end_run',
    to: 'failed',
    reason: 'baseline_failed',
    detail: `the baseline could not be measured: ${last?.reason ?? 'no job'}${last?.detail ? ` (${last.detail})` : ''}`,
  };
}

// The search is over, and its reason is kept: all that is left is to wait for what confirms its choice.
function confirmingStep(state: LoopState, end: NonNullable<LoopState['run']['searchEnd']>): Step {
  const stop = stopReason({ ...state, iterations: 0 });
  const isSpent = stop?.reason === 'wall' || stop?.reason === 'energy';
  const queued = state.audits.filter((job) => job.state === 'queued').map((job) => job.id);
  if (isSpent && queued.length > 0) return { kind: 'cancel_queued', jobIds: queued, detail: stop.detail };
  if (state.audits.length > 0) return idle;
  return { kind: 'end_run', to: 'completed', reason: end.reason, detail: end.detail, open: state.open };
}

function runningStep(state: LoopState): Step {
  if (state.run.searchEnd !== null) return confirmingStep(state, state.run.searchEnd);
  const { run, open, openJobs } = state;
  const broken = openJobs.find(isBroken);
  if (broken) return failedByInfrastructure(state, broken);
  const measuring = open.filter((iteration) => iteration.state === 'measuring');
  const waiting = open.filter((iteration) => iteration.state !== 'measuring');
  // Iterations in the works count towards the limit, but the limit does not cut off what is already accepted.
  const stop = stopReason({ ...state, iterations: state.iterations - waiting.length - measuring.length });
  if (stop) {
    if (waiting.length > 0) return { kind: 'cancel_open', iterations: waiting, detail: stop.detail };
    return stopWaiting(state, stop);
  }
  if (open.length > 0 && open.every(isParked))
    return state.audits.length > 0
      ? idle
      : {
          kind: 'end_run',
          to: 'completed',
          reason: 'menu_exhausted',
          detail: 'every legal change of one knob has been measured',
          open,
        };
  const activeJobs = openJobs.filter((job) => !isTerminalJob(job.state)).length + state.audits.length;
  const accepted = open.find((iteration) => iteration.state === 'accepted');
  if (accepted && activeJobs < run.spec.boxes.parallel) return { kind: 'start_iteration', iteration: accepted };
  return proposalStep(state);
}

// A stop condition holds: what trains may end and count, what still waits for a box is not begun.
function stopWaiting(state: LoopState, stop: { reason: string; detail: string }): Step {
  const live = [...state.baselineJobs, ...state.openJobs, ...state.audits].filter((job) => !isTerminalJob(job.state));
  // A queued replicate stays: without it its iteration would only ask for it again.
  const unbegun = live.filter(
    (job) => job.state === 'queued' && job.role !== 'replicate' && (job.role !== 'audit' || job.iterationId === null),
  );
  if (unbegun.length > 0) return { kind: 'cancel_queued', jobIds: unbegun.map((job) => job.id), detail: stop.detail };
  if (live.length > 0) return idle;
  if (state.open.length > 0) return { kind: 'cancel_open', iterations: state.open, detail: stop.detail };
  return { kind: 'end_run', to: 'completed', ...stop };
}

// Keeps `parallel` proposals ready while jobs train, so that a box never waits for a proposer.
function proposalStep(state: LoopState): Step {
  const { run, open, now } = state;
  // Code mode: nothing can be changed before a box has told what the source's editable files are.
  if (run.spec.edit && run.baselineCodeKey === null) return idle;
  const waiting = open.filter((iteration) => iteration.state === 'proposing' || iteration.state === 'accepted');
  const unclaimed = waiting.find(
    (iteration) => iteration.state === 'proposing' && (iteration.leaseUntil === null || iteration.leaseUntil <= now),
  );
  if (unclaimed) return { kind: 'claim_proposal', iteration: unclaimed };
  if (run.spec.proposer.kind === 'external') return idle;
  const limit = run.spec.stop.iterations;
  const mayAdd = limit === null || state.iterations < limit;
  return mayAdd && waiting.length < run.spec.boxes.parallel ? { kind: 'create_iteration' } : idle;
}

function failedByInfrastructure(state: LoopState, job: JobRow): Step {
  const live = [...state.baselineJobs, ...state.openJobs, ...state.audits].filter(
    (other) => !isTerminalJob(other.state),
  );
  if (live.some((other) => other.cancelRequestedAt === null)) return { kind: 'cancel_jobs' };
  if (live.length > 0) return idle;
  const detail = `a job failed ${job.attempt} times for reasons of the infrastructure: ${job.reason}${job.detail ? ` (${job.detail})` : ''}`;
  // Not one after the other: the broken job is known by its open iteration, and a run whose cause is forgotten goes on for ever.
  const reason = job.reason === 'box_lost' ? 'box_lost' : 'infrastructure';
  return { kind: 'end_run', to: 'failed', reason, detail, open: state.open };
}
