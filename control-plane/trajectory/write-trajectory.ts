import type { Trajectory, TrajectoryRecord } from '@nightshift/protocol';

/** What else a reader of an export may want to know of the run; kept out of the figures. */
export interface ExportAbout {
  run?: { id?: string; name?: string; state?: string; createdAt?: string; finishedAt?: string } | undefined;
  /** The part of the spec that decides what the figures mean: stop, decision, policy, proposer. */
  spec?: unknown;
}

export const EXPORT_FORMAT = 1;

/**
 * A trajectory as JSON lines: `{"type":"run",…}`, one `{"type":"iteration",…}` each, `{"type":"end",…}`. `readTrajectory` gives the same
 * trajectory back. Numbers that JSON has no word for are written as "NaN", "Infinity" and "-Infinity".
 */
export function writeTrajectory(trajectory: Trajectory, about: ExportAbout = {}): string {
  const {
    metric,
    menu,
    baseline,
    records,
    warnings,
    modelCostUsd,
    measurement,
    earlier,
    screeningOff,
    failed,
    screeningSeconds,
    confirmation,
    unconfirmed,
    incumbent,
    vetoes,
  } = trajectory;
  const head = {
    type: 'run',
    format: EXPORT_FORMAT,
    ...(about.run === undefined ? {} : { run: about.run }),
    metric,
    baseline,
    menu,
    ...(incumbent === undefined ? {} : { incumbent }),
    ...(unconfirmed === undefined ? {} : { unconfirmed }),
    ...(confirmation === undefined ? {} : { confirmation }),
    ...(measurement === undefined ? {} : { measurement }),
    ...(failed === undefined ? {} : { failed }),
    ...(screeningOff === undefined ? {} : { screeningOff }),
    ...(screeningSeconds === undefined ? {} : { screeningSeconds }),
    ...(earlier === undefined ? {} : { earlier }),
    ...(vetoes === undefined ? {} : { vetoes }),
    ...(modelCostUsd === undefined ? {} : { modelCostUsd }),
    ...(about.spec === undefined ? {} : { spec: about.spec }),
  };
  return [
    head,
    ...records.map((record) => iterationLine(record, measurement ?? null)),
    { type: 'end', iterations: records.length, warnings },
  ]
    .map((row) => `${JSON.stringify(row, spellNonFinite)}\n`)
    .join('');
}

// The mark stands in every line too: a line that is read alone must not pass for more than it is.
function iterationLine(record: TrajectoryRecord, measurement: Trajectory['measurement']): object {
  return { type: 'iteration', ...record, ...(measurement ? { measurement } : {}) };
}

function spellNonFinite(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
