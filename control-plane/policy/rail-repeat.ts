import type { Config } from '@nightshift/protocol';
import { configKey } from '@nightshift/protocol';
import { sentence, shown } from './text.js';

/** Says whether a complete configuration was measured before or is being measured now; a description says what came of it. */
export type MeasuredLookup = (configKey: string) => boolean | { description: string };
export type RepeatRule = 'reject' | 'replicate' | 'allow';

/** Rail `repeat`: what happens to a configuration that was measured before: rejected, booked as a replicate, or run as if new. */
export function railRepeat(
  config: Config,
  knob: string,
  measured: MeasuredLookup,
  rule: RepeatRule,
): { repeatOf: string | null } | { problem: string } {
  if (rule === 'allow') return { repeatOf: null };
  const key = configKey(config);
  const found = measured(key);
  if (found === false) return { repeatOf: null };
  if (rule === 'replicate') return { repeatOf: key };
  const what = found === true ? '' : ` (${found.description})`;
  const value = config[knob];
  return {
    problem: sentence(
      `${knob} = ${value === undefined ? 'nothing' : shown(value)} was tried already${what}. Propose a value that was not.`,
    ),
  };
}
