import { keptHead, type EarlierRow, type EarlierSession } from '@nightshift/protocol';
import { isBetter } from './measurements.js';

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

export function earlierFigures(session: EarlierSession): EarlierFigures {
  const { rows, metric } = session;
  const count = (outcome: EarlierRow['outcome']) => rows.filter((row) => row.outcome === outcome).length;
  let best: EarlierFigures['best'] = null;
  for (const { outcome, line, commit, metric: value } of rows)
    if (outcome === 'kept' && value !== null && (best === null || isBetter(metric.goal, value, best.metric)))
      best = { line, commit, metric: value };
  const head = keptHead(session);
  return {
    name: session.name,
    rows: rows.length,
    kept: count('kept'),
    discarded: count('reverted'),
    crashed: count('failed'),
    withDiff: rows.filter(({ diff }) => diff !== null).length,
    best,
    head: head && { line: head.line, commit: head.commit },
    startsAtHead: session.startsAtHead ?? null,
  };
}
