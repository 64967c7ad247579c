import { configKey, proposalSchema } from '@nightshift/protocol';
import type { CompiledConstraints, Config, Knob, Menu, Proposal, Rail, Verdict } from '@nightshift/protocol';
import { railCross } from './rail-cross.js';
import { railDiff } from './rail-diff.js';
import { railMenu } from './rail-menu.js';
import { railNoop } from './rail-noop.js';
import { railRange } from './rail-range.js';
import { railRepeat, type MeasuredLookup, type RepeatRule } from './rail-repeat.js';
import { railSchema } from './rail-schema.js';

/** What a proposal is judged against. */
export interface GateContext {
  menu: Menu;
  /** The menu's constraints, compiled once for many calls. */
  constraints: CompiledConstraints;
  /** The complete configuration that the change is applied to. */
  comparator: Config;
  /** The complete configuration that the candidate is compared with, where that is another: a candidate must not equal it. */
  against?: Config | undefined;
  measured: MeasuredLookup;
  repeat: RepeatRule;
  /** The complete configuration that a client declared together with its proposal. */
  candidate?: Config | undefined;
}

/**
 * Takes a proposal past the rails of menu mode: schema, menu, range, noop, cross, diff, repeat. The first that blocks names itself.
 * @param raw a model's answer as it is (text), or an object `{knob, new_value, reason}` that was parsed before.
 * @returns a verdict for any input; it never throws. The proposal in it is null when it is not fit to be stored.
 */
export function gate(raw: unknown, context: GateContext): Verdict {
  const { menu, constraints, comparator } = context;
  const read = railSchema(raw);
  if ('problem' in read) return { verdict: 'block', rail: 'schema', reason: read.problem, proposal: null };
  const { proposal } = read;
  const { knob: name, newValue } = proposal;

  const unknown = railMenu(name, menu);
  if (unknown !== null) return block('menu', unknown, proposal);
  const knob = menu.knobs[name] as Knob;
  const illegal = railRange(name, newValue, knob);
  if (illegal !== null) return block('range', illegal, proposal);
  const same = railNoop(name, newValue, knob, comparator);
  if (same !== null) return block('noop', same, proposal);
  const config = { ...comparator, [name]: newValue };
  if (context.against && configKey(config) === configKey(context.against))
    return block(
      'noop',
      `with ${name} so, the candidate is what it would be compared with, so nothing would differ.`,
      proposal,
    );
  const broken = railCross(config, constraints);
  if (broken !== null) return block('cross', broken, proposal);
  const strayed = railDiff(proposal, config, context.candidate);
  if (strayed !== null) return block('diff', strayed, proposal);
  const repeat = railRepeat(config, name, context.measured, context.repeat);
  if ('problem' in repeat) return block('repeat', repeat.problem, proposal);
  return { verdict: 'pass', proposal, config, repeatOf: repeat.repeatOf };
}

function block(rail: Rail, reason: string, proposal: Proposal): Verdict {
  // Postgres stores neither NUL nor half a surrogate pair, so a proposal with one is not handed on.
  const isStorable =
    proposalSchema.safeParse(proposal).success && !/[\0\p{Cs}]/u.test(`${proposal.knob}${proposal.newValue}`);
  return { verdict: 'block', rail, reason, proposal: isStorable ? proposal : null };
}
