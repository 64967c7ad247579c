import {
  fromWireNumber,
  isInfrastructureReason,
  jobStateFor,
  type ExitRecord,
  type JobReason,
  type JobState,
  type Spec,
} from '@nightshift/protocol';

/** Times a job is given out before failures of the infrastructure end it. Fewer gives up on a rebooting box; more hides a broken one. */
export const MAX_ATTEMPTS = 5;
/** The same where the box measures with other sealed files: once more, and another box; more would train for nothing. */
export const MAX_SEALED_ATTEMPTS = 3;
/** Pause before attempt n+1, doubling from here: a box that reboots needs a minute or two. */
export const RETRY_MS = 1_000;
/** Failures of the infrastructure in a row after which a box is cordoned. */
export const BREAKER_FAILURES = 3;
/** What a project got wrong (its source, its setup, its evaluator, what the owner does not allow) says nothing about the box. */
const REASONS_OF_THE_BOX: readonly JobReason[] = ['disk_full', 'internal_error'];
/** Of a failure's detail, in the reason for a cordon. */
const DETAIL_CHARS = 300;

/** How an attempt ended, once what the box said of it has been checked. */
export interface Outcome {
  reason: JobReason;
  detail: string;
  metric: number | null;
}

/** The box is believed about how a job ended, not about whether its number is one: that is checked here again. Pure. */
export function judgeExit(exit: ExitRecord, metric: Spec['metric'] | null): Outcome {
  const value = exit.metric === null ? null : fromWireNumber(exit.metric);
  if (exit.reason !== 'completed') return { reason: exit.reason, detail: exit.detail, metric: null };
  if (value === null) return { reason: 'no_metric', detail: 'the job ended well but reported no metric', metric: null };
  if (!Number.isFinite(value)) return { reason: 'diverged', detail: `the metric is ${value}`, metric: null };
  if (metric?.bounds && (value < metric.bounds[0] || value > metric.bounds[1]))
    return {
      reason: 'metric_out_of_bounds',
      detail: `${metric.name} ${value} is outside [${metric.bounds.join(', ')}]`,
      metric: null,
    };
  return { reason: 'completed', detail: exit.detail, metric: value };
}

/** What becomes of the job: it is given out again after a pause, or it is over. */
export type JobFate =
  { kind: 'again'; pauseMs: number } | { kind: 'over'; state: JobState; reason: JobReason; detail: string };

/**
 * Decides on the job of an attempt that has ended. Pure.
 * @param known.hasRoomierBox a disk that was filled was small: another box that may have the job has much more room. True once only.
 * @param known.hopeless why its end was asked for when it was stopped early; null when it was not.
 */
export function fateOfJob(
  outcome: Outcome,
  known: { attempt: number; isEndAsked: boolean; hopeless: string | null; hasRoomierBox: boolean },
): JobFate {
  const isUnasked = outcome.reason === 'cancelled' && !known.isEndAsked;
  const isInfrastructure = isInfrastructureReason(outcome.reason) || isUnasked;
  // What fills a small disk may be what every training here writes: a box with room tells.
  const isTooSmall = outcome.reason === 'disk_filled' && known.hasRoomierBox;
  if ((isInfrastructure || isTooSmall) && !known.isEndAsked && known.attempt < mostAttempts(outcome.reason))
    return { kind: 'again', pauseMs: RETRY_MS * 2 ** (known.attempt - 1) };
  // A job that ended in its own way before the request reached it counts as what it is, a full measurement included.
  const isByRequest = known.isEndAsked && (isInfrastructure || outcome.reason === 'cancelled');
  const isHopeless = isByRequest && known.hopeless !== null;
  const reason = isHopeless ? 'stopped_early' : isByRequest ? 'cancelled' : outcome.reason;
  return { kind: 'over', state: jobStateFor(reason), reason, detail: (isHopeless && known.hopeless) || outcome.detail };
}

function mostAttempts(reason: JobReason): number {
  return reason === 'sealed_files_changed' ? MAX_SEALED_ATTEMPTS : MAX_ATTEMPTS;
}

/**
 * Decides on the box of an attempt that has ended; null when nothing about it changes. `cordon`: why it gets no more work. Pure.
 * @param box.hasTold its full disk has ended a job that ran beside this one: one shortage counts once, however many jobs it ends.
 */
export function fateOfBox(
  { reason, detail }: Pick<Outcome, 'reason' | 'detail'>,
  box: { infraFailures: number; isCordoned: boolean; hasTold?: boolean },
): { infraFailures: number; cordon: string | null } | null {
  if (!isInfrastructureReason(reason)) return box.infraFailures === 0 ? null : { infraFailures: 0, cordon: null };
  if (!REASONS_OF_THE_BOX.includes(reason)) return null;
  if (reason === 'disk_full' && box.hasTold === true) return null;
  const infraFailures = box.infraFailures + 1;
  const last = detail === '' ? reason : `${reason} (${detail.slice(0, DETAIL_CHARS)})`;
  const isTooMany = infraFailures >= BREAKER_FAILURES && !box.isCordoned;
  return {
    infraFailures,
    cordon: isTooMany ? `${infraFailures} failures of the infrastructure in a row, the last: ${last}` : null,
  };
}
