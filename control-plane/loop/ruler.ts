import type { ExitRecord, JobReason } from '@nightshift/protocol';
import { isInfrastructureReason } from '@nightshift/protocol';
import { findFirstEvent, recordEvent, type AttemptRow, type Queryable, type RunRow, type Tx } from '@nightshift/db';
import type { Outcome } from './after-attempt.js';

/** What a run of code mode is measured with: digests as runners tell them; null while none is known, or there is no such thing. */
export interface Ruler {
  /** Over the sealed files. */
  sealed: string | null;
  /** Over the evaluate command and the files of the source that it names. */
  evaluator: string | null;
}

/** The ruler of a run: its sealed files as its source was told, and all of it as its first measurement was made. */
export async function rulerOf(q: Queryable, run: RunRow): Promise<{ ruler: Ruler; isSet: boolean }> {
  const set = await findFirstEvent(q, run.id, 'run.ruler');
  if (set) return { ruler: set as unknown as Ruler, isSet: true };
  const source = await findFirstEvent(q, run.id, 'run.source');
  return { ruler: { sealed: (source?.['sealedDigest'] as string | null) ?? null, evaluator: null }, isSet: false };
}

/**
 * Holds the end of an attempt of code mode to the ruler of its run: a number that was taken with other sealed files, or by another
 * evaluator, is none, whatever the box says of it. The first measurement sets the ruler. The run is locked.
 */
export async function holdToRuler(
  tx: Tx,
  run: RunRow | undefined,
  attempt: AttemptRow,
  exit: ExitRecord,
  outcome: Outcome,
): Promise<Outcome> {
  if (!run?.spec.edit || !isAboutCode(outcome.reason)) return outcome;
  const { ruler, isSet } = await rulerOf(tx, run);
  const told: Ruler = {
    sealed: exit.fingerprint['sealed'] ?? null,
    evaluator: exit.fingerprint['evaluator'] ?? null,
  };
  const other = otherRuler(ruler, told, outcome.reason);
  if (other === null) {
    const has = told.sealed !== null || told.evaluator !== null;
    if (!isSet && has && outcome.reason === 'completed')
      await recordEvent(tx, { type: 'run.ruler', runId: run.id, boxId: attempt.boxId, payload: { ...told } });
    return outcome;
  }
  await recordEvent(tx, {
    type: 'job.other_ruler',
    runId: run.id,
    boxId: attempt.boxId,
    payload: {
      jobId: attempt.jobId,
      attemptId: attempt.id,
      ruler,
      told,
      reason: outcome.reason,
      metric: outcome.metric,
    },
  });
  const { sealed } = run.spec.edit;
  const detail =
    other === 'sealed'
      ? `it was measured with other sealed files (${sealed.join(', ')}) than the run: digest ${short(told.sealed)} in place of ${short(ruler.sealed)}`
      : `it was measured by another evaluator than the run (${run.spec.job.evaluate}): digest ${short(told.evaluator)} in place of ${short(ruler.evaluator)}`;
  return { reason: 'sealed_files_changed', detail, metric: null };
}

/** Which part of a ruler another one differs in; null when a measurement may count. A failure may have come before all was told. Pure. */
export function otherRuler(ruler: Ruler, told: Ruler, reason: JobReason): keyof Ruler | null {
  for (const part of ['sealed', 'evaluator'] as const) {
    if (ruler[part] === null || told[part] === ruler[part]) continue;
    if (told[part] !== null || reason === 'completed') return part;
  }
  return null;
}

// What failed for the infrastructure, or was ended on request, says nothing about any code.
function isAboutCode(reason: JobReason): boolean {
  return reason !== 'cancelled' && !isInfrastructureReason(reason);
}

function short(digest: string | null): string {
  return digest === null ? 'none' : digest.slice(0, 12);
}
