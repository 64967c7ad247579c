import type { ExitRecord } from '@nightshift/protocol';
import { findLastEvent, recordEvent, type AttemptRow, type Tx } from '@nightshift/db';

/**
 * Tells once that files of a run's source folder are no longer what the run began with and goes on with: whoever edits there would
 * wait for an effect in vain.
 */
export async function tellSourceChanged(tx: Tx, runId: string, attempt: AttemptRow, exit: ExitRecord): Promise<void> {
  const detail = exit.fingerprint['sourceFolder'];
  if (detail === undefined) return;
  const known = await findLastEvent(tx, runId, 'run.source_changed');
  if (known?.['detail'] === detail) return;
  await recordEvent(tx, {
    type: 'run.source_changed',
    runId,
    boxId: attempt.boxId,
    payload: { detail, attemptId: attempt.id },
  });
}
