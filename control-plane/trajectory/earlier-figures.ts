import { keptHead, type EarlierFigures, type EarlierRow, type EarlierSession } from '@nightshift/protocol';
import { isBetter } from './measurements.js';

/** What an earlier session tells, counted. */
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
