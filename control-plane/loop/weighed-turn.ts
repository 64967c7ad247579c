import type { ModelSpec, OutweighedTry } from '@nightshift/protocol';
import { recordEvent, type IterationRow, type RunRow } from '@nightshift/db';
import { ASKS, leastPromise, weighChange, type Belief, type SuggestInput } from '../search/index.js';
import type { LoopDeps } from './deps.js';
import type { Made } from './made.js';
import { modelTurn, type ModelTurn } from './model-turn.js';
import type { ProposalContext } from './proposal-context.js';

/**
 * The model's turn, and in a hybrid the sampler's look at what it proposes: what promises too little costs no GPU time. What was
 * outweighed is told to the model, in this turn and in later ones, and goes into the iteration's row.
 */
export async function weighedTurn(
  deps: LoopDeps,
  run: RunRow,
  iteration: IterationRow,
  context: ProposalContext,
  input: SuggestInput,
  belief: Belief,
  model: ModelSpec,
  signal: AbortSignal,
): Promise<ModelTurn & { outweighed: OutweighedTry[] }> {
  let { blocked } = iteration;
  const tries: OutweighedTry[] = [];
  const all = () => [...iteration.outweighed, ...tries];
  for (let ask = 0; ask < ASKS; ask++) {
    const turn = await modelTurn(
      deps,
      run,
      { ...iteration, blocked, outweighed: tries },
      context,
      belief,
      model,
      signal,
    );
    if (turn.kind === 'fallback') return { ...turn, outweighed: all() };
    ({ blocked } = turn.made);
    const outweighed = run.spec.proposer.kind === 'hybrid' ? outweigh(context, input, turn.made) : null;
    if (!outweighed) return { kind: 'made', made: { ...turn.made, outweighed: all() }, outweighed: all() };
    await recordEvent(deps.db, {
      type: 'model.outweighed',
      runId: run.id,
      payload: { iteration: iteration.number, ...outweighed },
    });
    // Asked for something else, it insisted: nothing new is to be weighed.
    if (tries.some(({ proposal }) => isSame(proposal, outweighed.proposal))) break;
    tries.push(outweighed);
  }
  return { kind: 'fallback', blocked, isBlocked: false, outweighed: all() };
}

function outweigh(context: ProposalContext, input: SuggestInput, { verdict }: Made): OutweighedTry | null {
  const { proposal } = verdict;
  const weighing = weighChange(input, proposal, context.turns);
  const least = leastPromise(context.turns);
  if (!weighing || weighing.promise >= least) return null;
  const { expected, sd, promise } = weighing;
  return { proposal, expected, sd, promise, leastPromise: least };
}

function isSame(a: OutweighedTry['proposal'], b: OutweighedTry['proposal']): boolean {
  return a.knob === b.knob && a.newValue === b.newValue;
}
