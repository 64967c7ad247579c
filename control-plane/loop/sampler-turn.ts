import { changedKnobs, type Config } from '@nightshift/protocol';
import type { RunRow } from '@nightshift/db';
import { gate } from '../policy/index.js';
import { defaultSampler, randomSampler, seededRandom, type SuggestInput } from '../search/index.js';
import type { Made } from './made.js';
import type { ProposalContext } from './proposal-context.js';

/** What the sampler sees of a run. `salt` tells tries at one iteration apart. */
export function suggestInputOf(run: RunRow, context: ProposalContext, salt: string): SuggestInput {
  return {
    menu: context.gate.menu,
    constraints: context.gate.constraints,
    base: context.front.config,
    comparator: context.comparator.config,
    trials: context.trials,
    goal: run.spec.metric.goal,
    random: seededRandom(`${run.spec.seed}/${run.id}/${salt}`),
    noiseSd: context.noiseSd,
    exclude: (key) => context.tried.has(key),
  };
}

/**
 * The sampler's turn: always an answer while a legal, unmeasured change is left, else null. With `only`, a change of one of those
 * knobs if there is one (the playbook's wish).
 */
export function samplerTurn(
  run: RunRow,
  context: ProposalContext,
  input: SuggestInput,
  only: readonly string[] | null,
): Pick<Made, 'proposer' | 'verdict' | 'belief' | 'standsOn'> | null {
  const isRandom = run.spec.proposer.kind === 'random';
  const sampler = isRandom ? randomSampler : defaultSampler;
  const wished =
    only === null || only.length === 0
      ? null
      : sampler({ ...input, exclude: (key) => input.exclude(key) || !changesOneOf(only, input.base, key) });
  const suggestion = wished ?? sampler(input);
  if (!suggestion) return null;
  const reason = wished
    ? `The playbook asks for a knob that was never tried. ${suggestion.reason}`.slice(0, 1000)
    : suggestion.reason;
  const verdict = gate({ knob: suggestion.knob, new_value: suggestion.newValue, reason }, context.gate);
  // The sampler works within the menu by construction: a block is a defect of ours, told as such.
  if (verdict.verdict === 'block')
    throw new Error(`the sampler's ${suggestion.knob} was blocked by ${verdict.rail}: ${verdict.reason}`);
  const proposer = wished ? 'playbook' : isRandom ? 'random' : 'sampler';
  return { proposer, verdict, belief: suggestion.belief, standsOn: context.front.iteration };
}

function changesOneOf(knobs: readonly string[], base: Config, key: string): boolean {
  const config = Object.fromEntries(JSON.parse(key) as [string, Config[string]][]);
  return changedKnobs(base, config).some((knob) => knobs.includes(knob));
}
