import { measureKey, type ProposerKind } from '@nightshift/protocol';
import { acceptProposal, insertCodeState, recordEvent, type IterationRow, type RunRow, type Tx } from '@nightshift/db';
import { PATCH } from './code-gate.js';
import type { MadePatch } from './code-turn.js';
import type { Comparator } from './comparator.js';

/** Characters of a code hash that stand for it in tables; the whole hash is in the row. */
const SHORT = 12;

/** Books a patch that has passed the rails as the proposal of an iteration, if the lease still holds; false when it is stale. */
export async function storePatch(
  tx: Tx,
  run: RunRow,
  iteration: Pick<IterationRow, 'id' | 'number'>,
  context: { comparator: Comparator },
  leaseToken: string,
  patch: MadePatch,
  proposer: ProposerKind,
): Promise<boolean> {
  const { comparator } = context;
  await insertCodeState(tx, patch.treeHash, patch.files);
  const proposal = { knob: PATCH, newValue: patch.treeHash.slice(0, SHORT), reason: patch.proposal.reason };
  const isStored = await acceptProposal(tx, iteration.id, leaseToken, {
    proposer,
    proposal,
    config: comparator.config,
    configKey: measureKey(comparator.config, patch.codeKey),
    codeKey: patch.codeKey,
    patch: { ...patch.proposal, complexityDelta: patch.complexityDelta },
    comparatorKey: comparator.key,
    repeatOf: patch.repeatOf,
    blocked: patch.blocked,
    belief: null,
  });
  if (isStored)
    await recordEvent(tx, {
      type: 'iteration.accepted',
      runId: run.id,
      payload: {
        iteration: iteration.number,
        proposer,
        proposal,
        summary: patch.proposal.summary,
        added: patch.proposal.patch.added,
        removed: patch.proposal.patch.removed,
      },
    });
  return isStored;
}
