import type { Goal, IterationOutcome } from './trajectory.js';

/** One row of a session that was made with other tools: told, and never a measurement of ours. */
export interface EarlierRow {
  /** Its line in the file. */
  line: number;
  /** As it stands in the file; null where there is none. */
  commit: string | null;
  outcome: Extract<IterationOutcome, 'kept' | 'reverted' | 'failed'>;
  /** What the session measured; null for a crash. */
  metric: number | null;
  memoryGb: number | null;
  description: string;
  /** What the commit changed in the editable files, where a repository had it. */
  diff: string | null;
  /** SHA-256 of the editable files at that commit together: by it a patch that leads there again is known. */
  codeKey: string | null;
}

/** The session that a run goes on from, as its `results.tsv` tells it. */
export interface EarlierSession {
  /** The file's name, for people. */
  name: string;
  metric: { name: string; goal: Goal };
  rows: EarlierRow[];
  /** Whether the baseline has the code of the kept head; null while, or where, that cannot be told. */
  startsAtHead?: boolean | null;
}

/** What an earlier session tells, counted. Its numbers were taken elsewhere: they stand beside ours and never among them. */
export interface EarlierFigures {
  name: string;
  rows: number;
  kept: number;
  discarded: number;
  crashed: number;
  /** Rows whose change is known, since a repository had their commit. */
  withDiff: number;
  /** The best that it kept, as it measured it. */
  best: { line: number; commit: string | null; metric: number } | null;
  /** The row whose code the baseline is meant to have, and whether it has. */
  head: { line: number; commit: string | null } | null;
  startsAtHead: boolean | null;
}

/** The row whose code the run's baseline has: the last that was kept. */
export function keptHead(session: EarlierSession): EarlierRow | null {
  return session.rows.findLast(({ outcome }) => outcome === 'kept') ?? null;
}
