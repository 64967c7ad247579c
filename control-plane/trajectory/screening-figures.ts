import type { Trajectory } from '@nightshift/protocol';

/** What cheap screening did in a run and what it came to. */
export interface ScreeningFigures {
  /** Candidates that were trained for the cheap budget, and those given up there. */
  screened: number;
  screenedOut: number;
  /** Training at the cheap budget, of candidates and of what they were compared with. */
  cheapSeconds: number;
  /** Full training that was not done, less what screening trained: below 0 it has cost more than it saved. */
  savedSeconds: number;
  /** Why it turned itself off; null while it has not. */
  off: string | null;
}

/** Null for a run that never screened. */
export function screeningFigures(
  trajectory: Pick<Trajectory, 'records' | 'screeningOff' | 'screeningSeconds'>,
): ScreeningFigures | null {
  const screened = trajectory.records.flatMap((record) => record.screening ?? []);
  if (screened.length === 0 && !trajectory.screeningSeconds) return null;
  let [told, avoided] = [0, 0];
  for (const { trainedSeconds, comparatorSeconds, savedSeconds } of screened) {
    told += trainedSeconds + comparatorSeconds;
    if (savedSeconds !== null) avoided += trainedSeconds + savedSeconds;
  }
  // Trainings of a patch that was repaired since, or that failed, stand in no row: the run's own account has them.
  const cheapSeconds = trajectory.screeningSeconds ?? told;
  return {
    screened: screened.length,
    screenedOut: trajectory.records.filter((record) => record.outcome === 'screened_out').length,
    cheapSeconds,
    savedSeconds: avoided - cheapSeconds,
    off: trajectory.screeningOff ?? null,
  };
}
