import type { ModelSpec, OutweighedTry } from '@nightshift/protocol';
import type { IterationRow, RunRow } from '@nightshift/db';
import { ASKS, leastPromise, weighChange, type Belief, type SuggestInput } from '../search/index.js';
import type { LoopDeps } from './deps.js';
import type { Made } from './made.js';
import { modelTurn, type ModelTurn } from './model-turn.js';
import type { ProposalContext } from './proposal-context.js';

/** What a model's turn is taken with. `input` is what the sampler would propose from. */
export interface TurnAtHand {
  run: RunRow;
  iteration: IterationRow;
  context: ProposalContext;
  input: SuggestInput;
  belief: Belief;
  model: ModelSpec;
}
export type WeighedTurn =
  Extract<ModelTurn, { kind: 'made' }> | (Extract<ModelTurn, { kind: 'fallback' }> & { outweighed: OutweighedTry[] });

/**
 * The model's turn, and in a hybrid the sampler's look at what it proposes: what promises too little costs no GPU time. What was
 * outweighed is told to the model, in this turn and in later ones, and goes into the iteration's row.
 */
export async function weighedTurn(deps: LoopDeps, at: TurnAtHand, signal: AbortSignal): Promise<WeighedTurn> {
  const { context, belief, model } = at;
  let { run, iteration } = at;
  for (let ask = 0; ask < ASKS; ask++) {
    const turn = await modelTurn(deps, run, iteration, context, belief, model, signal);
    const { outweighed } = iteration;
    if (turn.kind === 'fallback') return { ...turn, outweighed };
    const tried = run.spec.proposer.kind === 'hybrid' ? outweigh(at, turn.made) : null;
    if (!tried) return { ...turn, made: { ...turn.made, outweighed } };
    // The next ask goes on from this one: what was refused, what the server did, and what promised too little.
    run = { ...run, breaker: turn.breaker };
    iteration = { ...iteration, blocked: turn.made.blocked };
    // Asked for something else, it insisted: nothing new is to be weighed.
    if (outweighed.some(({ proposal }) => isSame(proposal, tried.proposal))) break;
    iteration = { ...iteration, outweighed: [...outweighed, tried] };
  }
  const { blocked, outweighed } = iteration;
  return { kind: 'fallback', blocked, isBlocked: false, outweighed };
}

/** Null for what is worth a measurement, and for what cannot be weighed. */
function outweigh({ context, input }: TurnAtHand, { verdict }: Made): OutweighedTry | null {
  const { proposal } = verdict;
  const weighing = weighChange(input, proposal, context.turns);
  if (!weighing) return null;
  const { expected, sd, promise } = weighing;
  const least = leastPromise(context.turns);
  // Metrics at the end of what a number can hold make figures that are none, and a row would keep them as null.
  if (promise >= least || ![expected, sd, promise].every(Number.isFinite)) return null;
  return { proposal, expected, sd, promise, leastPromise: least };
}

function isSame(a: OutweighedTry['proposal'], b: OutweighedTry['proposal']): boolean {
  return a.knob === b.knob && a.newValue === b.newValue;
}
