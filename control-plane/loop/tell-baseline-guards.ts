import { findLastEvent, listMeasurements, recordEvent, type Queryable, type RunRow, type Tx } from '@nightshift/db';
import { checkGuards } from '../decision/guard.js';
import { guardValues, hasSealedMeasurement, whyUntold } from './guard-values.js';

/**
 * Says at once which guards the baseline itself breaks: a name that nothing prints, or a limit below it, would revert a night of
 * candidates one by one.
 */
export async function tellBaselineGuards(tx: Tx, run: RunRow): Promise<void> {
  const guards = run.spec.guard ?? [];
  if (guards.length === 0) return;
  const key = run.baselineKey;
  const measured = (await listMeasurements(tx, run.id)).filter((row) => row.configKey === key);
  const reporter = hasSealedMeasurement(run.spec)
    ? 'the evaluator (what training prints is not counted)'
    : 'the baseline';
  const violations = checkGuards(guards, await guardValues(tx, run, measured, key, key), reporter);
  if (violations.length === 0) return;
  if ((await whyUntold(tx, run, measured, violations, { candidate: key, comparator: key })) !== null) return;
  await recordEvent(tx, {
    type: 'run.guards_broken',
    runId: run.id,
    payload: { reasons: violations.map(({ reason }) => reason), violations },
  });
}

/** What reports say of it; null where the baseline holds its guards. */
export async function baselineGuardsWarning(q: Queryable, run: RunRow): Promise<string | null> {
  if ((run.spec.guard ?? []).length === 0) return null;
  const reasons = (await findLastEvent(q, run.id, 'run.guards_broken'))?.['reasons'];
  if (!Array.isArray(reasons)) return null;
  return `The baseline itself breaks a guard (${reasons.join('; ')}): no change that does is kept.`;
}
