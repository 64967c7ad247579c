import { AppError } from '@nightshift/protocol';
import type { Db, RunRow } from '@nightshift/db';
import { describeBelief } from '../search/index.js';
import { buildCodePrompt, buildPrompt, promptBudget, type Message } from '../proposer/index.js';
import { codeContextOf } from './code-gate.js';
import { codeMemoryOf, pendingPatches } from './code-turn.js';
import { promptInputOf } from './model-turn.js';
import { loadProposalContext } from './proposal-context.js';
import { suggestInputOf } from './sampler-turn.js';

/** What a prompt may have when the spec names no model: enough for the whole memory of a night. */
const ASK_TOKENS = 32_000;

/** The prompt that a proposer of this run would be given now, for whoever wants to be the proposer: ask, then hand in a proposal. */
export async function askFor(
  db: Db,
  run: RunRow,
  mode: 'menu' | 'code',
): Promise<{ messages: Message[]; tokens: number; cut: string[] }> {
  const { edit, menu, proposer } = run.spec;
  const budgetTokens = proposer.model ? Math.max(promptBudget(proposer.model), ASK_TOKENS) : ASK_TOKENS;
  const context = await loadProposalContext(db, run, '');
  if (mode === 'menu') {
    if (!menu) throw new AppError('illegal_state', 'the run has no menu: ask for mode=code');
    const belief = describeBelief(suggestInputOf(run, context, 'ask'));
    return buildPrompt({ ...(await promptInputOf({ db }, run, context, belief)), budgetTokens });
  }
  if (!edit) throw new AppError('illegal_state', 'the run has no editable files: ask for mode=menu');
  if (run.baselineCodeKey === null)
    throw new AppError('illegal_state', 'no box has told the source of this run yet; ask again when its baseline runs');
  const { files, maxChangedLines } = await codeContextOf(db, run, context.comparator);
  return buildCodePrompt({
    ...codeMemoryOf(run, context),
    files,
    maxChangedLines,
    pending: await pendingPatches(db, run.id),
    blocked: [],
    repair: null,
    budgetTokens,
  });
}
