import type { Config, Proposal } from '@nightshift/protocol';
import { quote, sentence } from './text.js';

/**
 * Rail `diff`: a complete configuration that came with the proposal differs from the comparator in the proposed knob only,
 * and has the proposed value there. `config` is the comparator with that one change made by us.
 */
export function railDiff(proposal: Proposal, config: Config, candidate: Config | undefined): string | null {
  if (candidate === undefined) return null;
  const name = proposal.knob;
  const names = new Set([...Object.keys(config), ...Object.keys(candidate)]);
  const stray = [...names].filter((key) => own(candidate, key) !== own(config, key)).sort();
  const first = stray[0];
  if (first === undefined) return null;
  if (stray.includes(name))
    return sentence(
      `the configuration has ${name} = ${text(own(candidate, name))}, but the proposal says ${text(proposal.newValue)}.`,
    );
  const rest = stray.length > 1 ? ` and ${stray.length - 1} more` : '';
  return sentence(
    `the proposal changes ${name}, but the configuration also has ${quote(first)} = ${text(own(candidate, first))} where ${text(own(config, first))} is compared with${rest}. Change one knob at a time.`,
  );
}

function own(config: Config, key: string): unknown {
  return Object.hasOwn(config, key) ? config[key] : undefined;
}

function text(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return quote(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'an object';
}
