import type { ModelSpec } from '@nightshift/protocol';
import { lockRun, recordEvent, updateRun, type RunRow } from '@nightshift/db';
import { EMPTY_PLAYBOOK, type Playbook } from '../trajectory/playbook.js';
import type { LoopDeps } from './deps.js';
import { ladderStep, modelOnStep } from './ladder.js';
import type { ProposalContext } from './proposal-context.js';

/**
 * The model that proposes now, knobs or patches, after a step up the ladder when one is due; null when the spec has no model.
 * The step is taken under the run's lock: two proposals take it once, and what the playbook did meanwhile stays.
 */
export async function climbLadder(
  deps: Pick<LoopDeps, 'db'>,
  run: RunRow,
  context: { trajectory: Pick<ProposalContext['trajectory'], 'records'> },
): Promise<ModelSpec | null> {
  const { proposer } = run.spec;
  const { records } = context.trajectory;
  const playbookOf = (row: RunRow) => (row.playbook as Playbook | null) ?? EMPTY_PLAYBOOK;
  const stepOf = (row: RunRow) => ladderStep(proposer, row.ladderStep, playbookOf(row).ladderSince, records);
  if (stepOf(run) === run.ladderStep) return modelOnStep(proposer, run.ladderStep);
  const step = await deps.db.transaction(async (tx) => {
    const current = (await lockRun(tx, run.id, { skip: false })) ?? run;
    const next = stepOf(current);
    if (next === current.ladderStep) return next;
    const at = records.at(-1)?.iteration ?? 0;
    const playbook = { ...playbookOf(current), ladderSince: at };
    if (await updateRun(tx, run.id, { ladderStep: next, playbook }))
      await recordEvent(tx, {
        type: 'model.ladder',
        runId: run.id,
        payload: { step: next, model: modelOnStep(proposer, next)?.name, iteration: at },
      });
    return next;
  });
  return modelOnStep(proposer, step);
}
