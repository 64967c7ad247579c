import { z } from 'zod';
import type { Config, KnobValue } from './menu.js';

/** The rails of menu mode in the order in which they run; the first that blocks names itself. */
export const RAILS = ['schema', 'menu', 'range', 'noop', 'cross', 'diff', 'repeat'] as const;
/** Rails that code mode adds after `schema`; `noop` and `repeat` come after them. */
export const CODE_RAILS = ['paths', 'size', 'syntax', 'imports', 'sealed', 'secrets'] as const;
export type Rail = (typeof RAILS)[number] | (typeof CODE_RAILS)[number];

/** One change in menu mode: a knob, its new value, and why. On the wire of the field `newValue` is spelled `new_value`. */
export interface Proposal {
  knob: string;
  newValue: KnobValue;
  reason: string;
}
export const proposalSchema = z.strictObject({
  knob: z.string().max(64),
  newValue: z.union([z.number(), z.string().max(200), z.boolean()]),
  reason: z.string().max(1000),
});

/** Who made a proposal. */
export const PROPOSERS = ['sampler', 'random', 'model', 'external', 'playbook'] as const;
export type ProposerKind = (typeof PROPOSERS)[number];

/** What the gate says of a proposal. `config` is the complete configuration that would run. */
export type Verdict =
  | { verdict: 'pass'; proposal: Proposal; config: Config; repeatOf: string | null }
  | { verdict: 'block'; rail: Rail; reason: string; proposal: Proposal | null };

/** A blocked try at a proposal, as the ledger keeps it; `raw` is bounded. */
export interface BlockedTry {
  rail: Rail;
  reason: string;
  raw: string;
  proposer: ProposerKind;
}

/** A model's proposal that passed the rails and was not measured: in a hybrid, the sampler's model of the measurements saw too little in it. */
export interface OutweighedTry {
  proposal: Proposal;
  /** What it expects the metric to be, and the standard deviation of that, in the metric's unit. */
  expected: number;
  sd: number;
  /** The worth of measuring it, as a multiple of the worth of the best change that the sampler knows, and what it had to be. */
  promise: number;
  leastPromise: number;
}
