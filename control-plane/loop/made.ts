import type { BlockedTry, OutweighedTry, ProposerKind, Verdict } from '@nightshift/protocol';
import type { Belief } from '../search/index.js';
import type { MadePatch } from './code-turn.js';
import type { Critique } from './critic.js';

/** A proposal that has passed the gate, on its way into its row. */
export interface Made {
  proposer: ProposerKind;
  verdict: Extract<Verdict, { verdict: 'pass' }>;
  belief: Belief;
  blocked: BlockedTry[];
  /** What the model proposed before, and was not thought worth a measurement. */
  outweighed: OutweighedTry[];
  critique: Critique | null;
  /** The iteration whose configuration is changed, 0 for the baseline; null: what the candidate is compared with. */
  standsOn: number | null;
}
/** What became of a turn: a proposal, or why there is none. */
export type Attempted =
  | { made: Made }
  | { made: null; why: 'exhausted' | 'blocked'; blocked: BlockedTry[] }
  | { made: null; why: 'patch'; patch: MadePatch }
  | { made: null; why: 'unanswered'; detail: string; blocked: BlockedTry[] };
