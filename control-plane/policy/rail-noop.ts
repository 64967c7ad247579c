import type { Config, Knob, KnobValue } from '@nightshift/protocol';
import { legalValues, sentence, shown } from './text.js';

/** Rail `noop`: the value differs from the one that the configuration it is compared with already has. */
export function railNoop(name: string, value: KnobValue, knob: Knob, comparator: Config): string | null {
  if (!Object.hasOwn(comparator, name) || comparator[name] !== value) return null;
  const others = knob.choices ? { ...knob, choices: knob.choices.filter((choice) => choice !== value) } : knob;
  return sentence(
    `${name} is ${shown(value)} already, so nothing would change. Choose another: ${legalValues(others)}.`,
  );
}
