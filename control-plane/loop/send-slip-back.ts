import type { CodeProposal } from '@nightshift/protocol';
import { moveIteration, recordEvent, type IterationRow, type JobRow, type RunRow, type Tx } from '@nightshift/db';
import { readSlip } from '../patch/index.js';

/**
 * A patch crashed. When it looks like a slip (a name, a shape, an import), the iteration goes back to its model with the end of the
 * output, as often as the spec allows; the crash is charged to the same iteration. Not for a person's patch: nobody would answer.
 * @returns whether it was sent back.
 */
export async function sendSlipBack(tx: Tx, run: RunRow, iteration: IterationRow, failed: JobRow): Promise<boolean> {
  const { edit } = run.spec;
  if (!edit || !iteration.patch || iteration.proposer !== 'model' || failed.reason !== 'crash') return false;
  if (iteration.repairs >= edit.repairs) return false;
  const slip = readSlip(failed.detail ?? '');
  if (!slip.isSlip) return false;
  const isMoved = await moveIteration(tx, iteration.id, 'measuring', 'proposing', {
    repairs: iteration.repairs + 1,
    failureDetail: slip.excerpt,
    blocked: [],
    // Of the code that crashed: what its repair is decided to be has no part in it.
    screening: null,
  });
  if (isMoved)
    await recordEvent(tx, {
      type: 'iteration.repair',
      runId: run.id,
      payload: {
        iteration: iteration.number,
        kind: slip.kind,
        repair: iteration.repairs + 1,
        of: edit.repairs,
        summary: (iteration.patch as CodeProposal).summary,
      },
    });
  return isMoved;
}
