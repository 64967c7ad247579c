/** Which state may follow which. A move that is not here is refused by the WHERE clause of the update that would make it. */
export const RUN_STATES = ['queued', 'baseline', 'running', 'paused', 'completed', 'stopped', 'failed'] as const;
export type RunState = (typeof RUN_STATES)[number];
export const RUN_MOVES: Record<RunState, readonly RunState[]> = {
  queued: ['baseline', 'paused', 'stopped', 'failed'],
  baseline: ['running', 'paused', 'stopped', 'failed', 'completed'],
  running: ['paused', 'completed', 'stopped', 'failed'],
  paused: ['queued', 'baseline', 'running', 'stopped', 'failed', 'completed'],
  completed: [],
  stopped: [],
  failed: [],
};

export const ITERATION_STATES = [
  'proposing',
  'blocked',
  'accepted',
  'measuring',
  'kept',
  'reverted',
  'inconclusive',
  'failed',
  'cancelled',
  'screened_out',
] as const;
export type IterationState = (typeof ITERATION_STATES)[number];
export const ITERATION_MOVES: Record<IterationState, readonly IterationState[]> = {
  proposing: ['blocked', 'accepted', 'cancelled'],
  accepted: ['measuring', 'proposing', 'blocked', 'cancelled', 'reverted', 'inconclusive'],
  // Back to proposing: a crash that looks like a slip goes to the model with its traceback (code mode).
  measuring: ['kept', 'reverted', 'inconclusive', 'failed', 'cancelled', 'screened_out', 'proposing'],
  blocked: [],
  kept: [],
  reverted: [],
  inconclusive: [],
  failed: [],
  cancelled: [],
  screened_out: [],
};

export const JOB_STATES = [
  'queued',
  'assigned',
  'running',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'lost',
] as const;
export type JobState = (typeof JOB_STATES)[number];
export const JOB_MOVES: Record<JobState, readonly JobState[]> = {
  queued: ['assigned', 'cancelled', 'failed'],
  assigned: ['running', 'queued', 'succeeded', 'failed', 'timed_out', 'cancelled', 'lost'],
  running: ['queued', 'succeeded', 'failed', 'timed_out', 'cancelled', 'lost'],
  succeeded: [],
  failed: [],
  timed_out: [],
  cancelled: [],
  lost: [],
};
/** `screen`: trained for the cheap budget of `fidelity.screen`, the candidate or what it is compared with; never a measurement. */
export const JOB_ROLES = ['baseline', 'candidate', 'replicate', 'audit', 'screen'] as const;
export type JobRole = (typeof JOB_ROLES)[number];
export const JOB_PHASES = ['setup', 'train', 'evaluate'] as const;
export type JobPhase = (typeof JOB_PHASES)[number];

export const BOX_STATES = ['online', 'unreachable'] as const;
export type BoxState = (typeof BOX_STATES)[number];

/** Why an attempt ended when the candidate itself is the cause: evidence about the proposal, shown to the proposer, never retried. */
export const CANDIDATE_REASONS = [
  'command_not_found',
  'crash',
  'killed',
  'oom',
  'oom_guard',
  'disk_filled',
  'timeout',
  'no_metric',
  'diverged',
  'metric_out_of_bounds',
  'stopped_early',
  'cheated',
] as const;
/** Why an attempt ended when the infrastructure is the cause: no evidence about the proposal, tried again. */
export const INFRASTRUCTURE_REASONS = [
  'box_lost',
  'setup_failed',
  'source_unavailable',
  'disk_full',
  'agent_refused',
  'evaluator_failed',
  'sealed_files_changed',
  'internal_error',
] as const;
export const JOB_REASONS = ['completed', 'cancelled', ...CANDIDATE_REASONS, ...INFRASTRUCTURE_REASONS] as const;
export type JobReason = (typeof JOB_REASONS)[number];
export type CandidateReason = (typeof CANDIDATE_REASONS)[number];

export function isInfrastructureReason(reason: JobReason): boolean {
  return (INFRASTRUCTURE_REASONS as readonly string[]).includes(reason);
}
export function isTerminalJob(state: JobState): boolean {
  return JOB_MOVES[state].length === 0;
}
export function isTerminalIteration(state: IterationState): boolean {
  return ITERATION_MOVES[state].length === 0;
}
export function isTerminalRun(state: RunState): boolean {
  return RUN_MOVES[state].length === 0;
}

/** The state that a job ends in, from the reason of its last attempt. */
export function jobStateFor(reason: JobReason): JobState {
  if (reason === 'completed') return 'succeeded';
  if (reason === 'timeout') return 'timed_out';
  if (reason === 'cancelled') return 'cancelled';
  if (reason === 'box_lost') return 'lost';
  return 'failed';
}
